#include "operator/rollouts/signature_measure.h"

#include "operator/base/shown_text.h"
#include "operator/plan/rollout/gate.h"
#include "operator/plan/rollout/signature.h"

namespace penstock::rollouts {
namespace {

constexpr std::size_t kMostOfAMessage = 900;

// What one version told.
struct Told {
  std::optional<rollout::Signature> signature;
  std::string error;    // it may tell later
  std::string silence;  // it tells none
};

Told AskFor(const char* whose, const rollout::ServerAddress& server, const std::string& model,
            const AskServer& ask) {
  const std::string of = std::string("the ") + whose + " version's server ";
  const std::string target = "/v2/models/" + model;
  const auto answer = ask(server, {target, ""});
  if (!answer) return {{}, of + "could not be asked: " + answer.error().message, ""};
  const std::string status = "answers " + std::to_string(answer->status) + " to GET " + target;
  if (answer->status == 429 || answer->status >= 500) return {{}, of + status, ""};
  if (answer->status != 200) return {{}, "", of + status};
  auto signature = rollout::ParseSignature(answer->body);
  if (!signature) return {{}, "", of + "tells none: " + signature.error().message};
  return {*std::move(signature), "", ""};
}

}  // namespace

GateMeasure MeasureSignature(const rollout::ServersToAsk& servers, const AskServer& ask) {
  GateMeasure m;
  if (!servers.stable) {
    m.error = "there is no stable version";
    return m;
  }
  const Told stable = AskFor("stable", *servers.stable, servers.model, ask);
  const Told candidate = AskFor("new", servers.candidate, servers.model, ask);
  for (const Told* told : {&stable, &candidate})
    if (m.error.empty()) m.error = told->error;
  if (!m.error.empty()) return m;
  m.good = true;
  if (!stable.signature) {
    m.message = rollout::kNotCompared + stable.silence;
    return m;
  }
  // Where the stable version tells its own, silence is a break.
  const auto breaks = candidate.signature
                          ? rollout::SignatureBreaks(*stable.signature, *candidate.signature)
                          : std::vector<std::string>{candidate.silence};
  m.good = breaks.empty();
  for (const std::string& one : breaks) m.message += (m.message.empty() ? "" : "; ") + one;
  if (m.good) m.message = "accepts and answers what the stable version does";
  m.message = plan::Shown(m.message, kMostOfAMessage);
  return m;
}

}  // namespace penstock::rollouts
