// The stream of changes (text/event-stream): one a browser.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "operator/base/shown_text.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/views/run_rows.h"
#include "operator/views/run_view.h"
#include "operator/views/step_rows.h"

namespace penstock::gateway {
namespace {

constexpr Milliseconds kHeartbeat{15'000};

Right ReadsRuns() { return {.verb = "list", .resource = "pipelineruns", .subresource = ""}; }

class Stream {
 public:
  Stream(const ApiParts& parts, ApiRequest& r)
      : parts_(parts), r_(r), ns_(r.Text("namespace")), run_(r.Text("run")) {}

  void Go() {
    Exchange& x = r_.exchange();
    const auto seat = parts_.events->Sit();
    if (seat == nullptr)
      return RespondApiError(x, 503, "Overloaded", "as many streams are open as may be; try again",
                             {{"Retry-After", "10"}});
    if (!x.BeginStream(200, "text/event-stream",
                       {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}))
      return;
    std::optional<long long> since;
    if (const std::string last = x.Header("Last-Event-ID"); !last.empty())
      since = std::max(0LL, std::strtoll(last.c_str(), nullptr, 10));
    if (!x.SendPiece("retry: 3000\n\n")) return;
    if (since && !run_.empty() && !SendSteps()) return;
    while (!r_.stop().stop_requested()) {
      const auto batch = parts_.events->Wait(since, kHeartbeat, r_.stop());
      if (r_.stop().stop_requested() || IsRefusedNow()) return;
      const bool begins = !since && batch.at;
      since = batch.at;
      // What changed before there was a number to go on from.
      if (begins && !run_.empty() && !SendSteps()) return;
      if (batch.missed && !Send("reset", Json::object())) return;
      if (!SendChanges(batch)) return;
      // Also where all changes were others': who has gone is found by what is sent to him alone.
      const std::string mark = since ? "id: " + std::to_string(*since) + "\n" : "";
      if (!x.SendPiece(": still here\n" + mark + "\n")) return;
    }
  }

 private:
  // A stream outlives the minute for which a token and a right are remembered.
  bool IsRefusedNow() {
    const auto caller = parts_.access->WhoIs(r_.exchange());
    if (!caller) return caller.error().kind == ErrorKind::kForbidden;
    const auto may = parts_.access->May(*caller, ns_, ReadsRuns(), r_.stop());
    return may && !*may;
  }

  bool SendChanges(const EventHub::Batch& batch) {
    // Of several changes of one run the newest says all.
    std::map<std::string, const metadata::RunChange*> newest;
    for (const auto& change : batch.changes)
      if (change.run.namespace_ == ns_ && (run_.empty() || change.run.name == run_))
        newest[change.run.uid] = &change;
    for (const auto& [uid, change] : newest)
      if (!Send("run", views::RunRow(*parts_.place, change->run))) return false;
    return newest.empty() || run_.empty() || SendSteps();
  }

  // Those that are not as they were sent last.
  bool SendSteps() {
    const auto run = views::FindRun(*parts_.place, ns_, run_, r_.stop());
    if (!run) return true;  // it is being made, or gone: what there is to say comes as a change
    for (const Json& row : views::StepRows(*parts_.place, run->known)) {
      Json& sent = sent_[row["name"].get<std::string>()];
      if (sent == row) continue;
      sent = row;
      if (!Send("step", row)) return false;
    }
    return true;
  }

  // Its number stands behind the whole batch: a stream that breaks within goes on before it.
  bool Send(const char* event, const Json& data) {
    return r_.exchange().SendPiece(
        std::string("event: ") + event +
        "\ndata: " + data.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n");
  }

  const ApiParts& parts_;
  ApiRequest& r_;
  const std::string ns_, run_;
  std::map<std::string, Json> sent_;
};

}  // namespace

void AddEventRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes) {
  routes.push_back(
      {.method = "GET",
       .path = "/events",
       .id = "events",
       .summary = "Changes as they happen: `run` with a RunRow, `step` with a StepRow (of the run "
                  "that is named), `reset` where some were missed",
       .right = ReadsRuns(),
       .query = {{"namespace", "the namespace"}, {"run", "only this run, and its steps"}},
       .answer = "",
       .media = "text/event-stream",
       .answers_itself = [&parts](ApiRequest& r) { Stream(parts, r).Go(); }});
}

}  // namespace penstock::gateway
