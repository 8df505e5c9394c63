#include "operator/gateway/hooks/hook_routes.h"

#include <algorithm>
#include <map>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/signature.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/webhook_plan.h"
#include "operator/plan/resolve/schedule_check.h"

namespace penstock::gateway {
namespace {

constexpr std::chrono::milliseconds kWritePatience{10'000};
constexpr std::size_t kMostNameBytes = 253;
// Bodies of callers that nobody knows yet; "_" is no namespace's name.
constexpr const char* kStrangers = "_hooks";

struct Answer {
  int status = 0;
  Json body;
};

Answer Failed(int status, const std::string& message) {
  return {status, {{"error", plan::Shown(message, 4096)}}};
}

// The same whatever it is that does not hold.
Answer Unknown() {
  return Failed(401, "there is no such webhook, or the delivery is not signed with its key");
}

bool IsName(const std::string& text) {
  return !text.empty() && text.size() <= kMostNameBytes &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
}

class Delivered {
 public:
  Delivered(const HookParts& parts, Exchange& exchange, HookAddress address)
      : parts_(parts), x_(exchange), address_(std::move(address)) {}

  // Nothing: an answer was given, as the body could not be read.
  std::optional<Answer> Take() {
    // Before anything is read: what can be no delivery costs nothing.
    if (!IsName(address_.ns) || !IsName(address_.pipeline) || !IsName(address_.trigger))
      return Unknown();
    if (x_.Header(kHubSignature).empty() && x_.Header(kStandardSignature).empty()) return Unknown();
    BodyBudget::Held strangers(*parts_.bodies, kStrangers);
    // As bytes they take a part of what the budget counts for parsed ones.
    const auto body = net::ReadWholeBody(x_, kMostHookBytes, [&](std::size_t bytes) {
      return strangers.Hold(bytes / BodyBudget::kMemoryPerByte + 1);
    });
    if (!body) {
      net::RespondError(x_, body.error());
      return std::nullopt;
    }
    const auto key = parts_.keys->KeyOf(address_, x_.stop());
    if (!key) return OfError(key.error());
    const SignatureVerdict verdict = Verify(
        key->value_or(""), [this](const std::string& name) { return x_.Header(name); }, *body,
        parts_.clock->Now());
    if (!verdict.fits) return Unknown();
    x_.CallerIsKnown();
    Answer answer = Signed(verdict, *body);
    Tell(verdict, answer);
    return answer;
  }

 private:
  static Answer OfError(const Error& error) {
    const bool much = error.kind == ErrorKind::kOverloaded;
    return Failed(much ? 429 : 503, error.message);
  }

  Answer Signed(const SignatureVerdict& verdict, const std::string& body) {
    if (!verdict.trouble.empty()) return Failed(401, verdict.trouble);
    if (x_.Header("X-GitHub-Event") == "ping")
      return {200, {{"message", "the signature fits; a ping starts no run"}}};
    const auto object =
        parts_.client->Get(kube::kPipelines, address_.ns, address_.pipeline, Call());
    if (!object && object.error().kind == ErrorKind::kNotFound) return Unknown();
    if (!object) return OfError(object.error());
    const auto pipeline = api::DecodePipeline(*object);
    if (!pipeline.errors.empty())
      return Failed(422, "the Pipeline is not valid: " + api::Describe(pipeline.errors));
    const auto& triggers = pipeline.value.spec.triggers;
    const auto trigger = std::find_if(triggers.begin(), triggers.end(), [&](const auto& t) {
      return t.webhook && t.webhook->name == address_.trigger;
    });
    if (trigger == triggers.end() || pipeline.value.meta.deleted) return Unknown();
    const std::string hash =
        plan::DeliveryHash(address_.pipeline, address_.trigger, verdict.delivery);
    if (plan::WasTaken(pipeline.value.status.triggers, address_.trigger, hash))
      return Taken(hash, true);
    return MakeRun(pipeline.value, *trigger->webhook, hash, body);
  }

  Answer MakeRun(const api::Pipeline& pipeline, const api::WebhookSpec& webhook,
                 const std::string& hash, const std::string& body) {
    BodyBudget::Held parsed(*parts_.bodies, address_.ns);
    Json json;
    if (!webhook.parameters.empty()) {  // else the body may be anything
      if (const auto room = parsed.Hold(body.size()); !room)
        return Failed(room.error().kind == ErrorKind::kTooLarge ? 413 : 429, room.error().message);
      auto read = ParseJson(body, "the delivery's body");
      if (!read)
        return Failed(422, read.error().message +
                               "; the webhook takes parameters from it, and they must be sent as "
                               "application/json");
      json = *std::move(read);
    }
    const plan::DeliveredParameters given = plan::ParametersOf(pipeline.spec, webhook, json);
    if (!given.errors.empty()) return NotGiven(given.errors);
    const Json run =
        plan::WebhookRun(pipeline, webhook.name, hash, given.values, parts_.clock->Now());
    const auto made = parts_.client->Create(kube::kPipelineRuns, address_.ns, run, Call());
    if (made) return Taken(hash, false);
    if (made.error().kind == ErrorKind::kAlreadyExists) return Taken(hash, true);
    if (made.error().kind == ErrorKind::kInvalid || made.error().kind == ErrorKind::kTooLarge)
      return Failed(422, "the run was refused: " + made.error().message);
    return OfError(made.error());
  }

  static Answer NotGiven(const std::vector<api::FieldError>& errors) {
    std::string all;
    Json by_name = Json::array();
    for (const api::FieldError& e : errors) {
      const std::string message = plan::Shown(e.message, 512);
      all += (all.empty() ? "" : "; ") + (e.path.empty() ? "" : e.path + ": ") + message;
      by_name.push_back({{"parameter", e.path}, {"message", message}});
    }
    Answer answer = Failed(422, "the delivery does not give the run's parameters: " + all);
    answer.body["parameters"] = std::move(by_name);
    return answer;
  }

  [[nodiscard]] Answer Taken(const std::string& hash, bool duplicate) const {
    return {202,
            {{"namespace", address_.ns},
             {"run", plan::WebhookRunName(address_.pipeline, hash)},
             {"duplicate", duplicate}}};
  }

  void Tell(const SignatureVerdict& verdict, const Answer& answer) const {
    Json line{{"namespace", address_.ns},
              {"pipeline", address_.pipeline},
              {"trigger", address_.trigger},
              {"delivery", plan::Shown(verdict.delivery, 256)},
              {"status", answer.status}};
    for (const char* name : {"run", "duplicate", "error"})
      if (answer.body.contains(name)) line[name] = answer.body.at(name);
    parts_.audit(Json{{"webhook", std::move(line)}}.dump());
  }

  [[nodiscard]] kube::Call Call() const { return {.stop = x_.stop(), .timeout = kWritePatience}; }

  const HookParts& parts_;
  Exchange& x_;
  const HookAddress address_;
};

}  // namespace

void AddHooks(Router& router, const HookParts& parts) {
  router.Add(
      "POST", "/hooks/{ns}/{pipeline}/{trigger}", [parts](Exchange& x, const PathParameters& path) {
        Delivered delivered(parts, x, {path.at("ns"), path.at("pipeline"), path.at("trigger")});
        const auto answer = delivered.Take();
        if (!answer) return;
        const bool again = answer->status == 429 || answer->status == 503;
        x.Respond(answer->status, "application/json", answer->body.dump() + "\n",
                  again ? Headers{{"Retry-After", "5"}} : Headers{});
      });
}

}  // namespace penstock::gateway
