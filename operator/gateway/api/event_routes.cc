// The stream of changes (text/event-stream): one a browser.
#include <map>

#include "operator/base/shown_text.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/views/run_rows.h"
#include "operator/views/run_view.h"
#include "operator/views/step_rows.h"

namespace penstock::gateway {
namespace {

constexpr Milliseconds kHeartbeat{15'000};

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
    if (const auto last = std::strtoll(x.Header("Last-Event-ID").c_str(), nullptr, 10); last > 0)
      since = last;
    if (!x.SendPiece("retry: 3000\n\n")) return;
    if (since && !run_.empty() && !SendSteps()) return;
    while (!r_.stop().stop_requested()) {
      const auto batch = parts_.events->Wait(since, kHeartbeat, r_.stop());
      if (r_.stop().stop_requested()) return;
      const bool begins = !since && batch.at;
      since = batch.at;
      if (batch.missed && !Send("reset", Json::object(), *since)) return;
      if (!SendChanges(batch)) return;
      if (begins && !Begin(*since)) return;
      if (!begins && batch.changes.empty() && !x.SendPiece(": still here\n\n")) return;
    }
  }

 private:
  // The steps as they stand come after the place in the changes: one that is made meanwhile is told
  // of twice, and none never.
  bool Begin(long long at) {
    if (!r_.exchange().SendPiece("id: " + std::to_string(at) + "\n\n")) return false;
    return run_.empty() || SendSteps();
  }

  bool SendChanges(const EventHub::Batch& batch) {
    // Of several changes of one run the newest says all.
    std::map<std::string, const metadata::RunChange*> newest;
    for (const auto& change : batch.changes)
      if (change.run.namespace_ == ns_ && (run_.empty() || change.run.name == run_))
        newest[change.run.uid] = &change;
    for (const auto& [uid, change] : newest)
      if (!Send("run", views::RunRow(*parts_.place, change->run), change->at)) return false;
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
      if (!Send("step", row, 0)) return false;
    }
    return true;
  }

  bool Send(const char* event, const Json& data, long long id) {
    std::string text = std::string("event: ") + event + "\n";
    if (id != 0) text += "id: " + std::to_string(id) + "\n";
    text += "data: " + data.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
    return r_.exchange().SendPiece(text);
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
       .right = {.verb = "list", .resource = "pipelineruns", .subresource = ""},
       .query = {{"namespace", "the namespace"}, {"run", "only this run, and its steps"}},
       .answer = "",
       .media = "text/event-stream",
       .answers_itself = [&parts](ApiRequest& r) { Stream(parts, r).Go(); }});
}

}  // namespace penstock::gateway
