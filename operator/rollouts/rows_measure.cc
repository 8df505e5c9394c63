#include "operator/rollouts/rows_measure.h"

#include <charconv>
#include <chrono>

#include "operator/base/shown_text.h"
#include "operator/rollouts/recorded_rows.h"

namespace penstock::rollouts {
namespace {

constexpr std::chrono::seconds kTimeForRows{60};
constexpr int kShownMismatches = 3;
constexpr std::size_t kMostOfEvidence = 900;

std::optional<double> ToleranceOf(const api::RowsGate& gate) {
  if (gate.tolerance.empty()) return std::nullopt;
  double tolerance = 0;
  const char* end = gate.tolerance.data() + gate.tolerance.size();
  (void)std::from_chars(gate.tolerance.data(), end, tolerance);  // was checked
  return tolerance;
}

// What a server said of a row: its outputs, or why there are none.
struct Said {
  std::optional<Json> outputs;
  std::string refusal;  // it said no
  std::string error;    // it said nothing: another time it may
};

Said Send(const RecordedRow& row, const rollout::ServerAddress& server, const std::string& model,
          const AskServer& ask) {
  const auto answer = ask(server, {"/v2/models/" + model + "/infer", row.request});
  if (!answer) return {{}, "", answer.error().message};
  const std::string status = "answered " + std::to_string(answer->status);
  if (answer->status == 429 || answer->status == 502 || answer->status == 503 ||
      answer->status == 504)
    return {{}, "", status};
  if (answer->status != 200) return {{}, status + ": " + plan::Shown(answer->body, 200), ""};
  auto outputs = OutputsOf(answer->body);
  if (!outputs) return {{}, outputs.error().message, ""};
  return {*std::move(outputs), "", ""};
}

class RowsMeasurement {
 public:
  RowsMeasurement(const api::RowsGate& gate, const rollout::ServersToAsk& servers,
                  const RowsMeans& means)
      : gate_(gate), servers_(servers), means_(means), tolerance_(ToleranceOf(gate)) {}

  GateMeasure Of(std::string_view text) {
    const bool recorded = gate_.expect == api::RowsExpect::kRecorded;
    if (!recorded && !servers_.stable) return Failed("there is no stable version to expect");
    const auto rows = ParseRows(text, recorded);
    if (!rows) return Failed("ConfigMap " + gate_.config_map + ": " + rows.error().message);
    const auto end = means_.clock.Steady() + kTimeForRows;
    for (const RecordedRow& row : *rows) {
      if (means_.stop.stop_requested()) return Failed("the operator ends");
      if (means_.clock.Steady() > end)
        return Failed("after 60s " + std::to_string(compared_) + " of " +
                      std::to_string(rows->size()) + " rows were answered: take fewer");
      if (const std::string error = Compare(row); !error.empty())
        return Failed("line " + std::to_string(row.line) + ": " + error);
    }
    return Verdict();
  }

 private:
  static GateMeasure Failed(const std::string& error) { return {false, {}, error}; }

  // Why the row could not be held against anything; empty: it was, or never will be.
  std::string Compare(const RecordedRow& row) {
    Json expected = row.outputs;
    if (gate_.expect == api::RowsExpect::kStable) {
      Said stable = Send(row, *servers_.stable, servers_.model, means_.ask);
      if (!stable.error.empty()) return "the stable version: " + stable.error;
      if (!stable.outputs) {  // what it refuses nobody can expect
        ++refused_;
        return "";
      }
      expected = *std::move(stable.outputs);
    }
    const Said said = Send(row, servers_.candidate, servers_.model, means_.ask);
    if (!said.error.empty()) return "the new version: " + said.error;
    ++compared_;
    if (!said.outputs)
      Note(row, said.refusal);
    else if (const auto difference = DifferenceIn(expected, *said.outputs, tolerance_))
      Note(row, *difference);
    return "";
  }

  void Note(const RecordedRow& row, const std::string& what) {
    if (++mismatches_ <= kShownMismatches)
      evidence_ += "; line " + std::to_string(row.line) + ": " + what;
  }

  [[nodiscard]] GateMeasure Verdict() const {
    if (compared_ == 0) return Failed("the stable version refuses every row");
    GateMeasure m;
    m.good = mismatches_ <= gate_.max_mismatches;
    m.value = mismatches_;
    m.samples = compared_;
    m.message = std::to_string(mismatches_) + " of " + std::to_string(compared_) +
                " rows are answered otherwise" + evidence_;
    if (mismatches_ > kShownMismatches)
      m.message += "; and " + std::to_string(mismatches_ - kShownMismatches) + " more";
    if (refused_ > 0)
      m.message += "; " + std::to_string(refused_) + " more are refused by the stable version";
    m.message = plan::Shown(m.message, kMostOfEvidence);
    return m;
  }

  const api::RowsGate& gate_;
  const rollout::ServersToAsk& servers_;
  const RowsMeans& means_;
  const std::optional<double> tolerance_;
  int compared_ = 0;
  int mismatches_ = 0;
  int refused_ = 0;
  std::string evidence_;
};

}  // namespace

GateMeasure MeasureRows(const api::RowsGate& gate, std::string_view text,
                        const rollout::ServersToAsk& servers, const RowsMeans& means) {
  return RowsMeasurement(gate, servers, means).Of(text);
}

}  // namespace penstock::rollouts
