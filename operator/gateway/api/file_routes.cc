// What is given as it is: logs, metrics and the bytes of artifacts.
#include "operator/base/try.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/views/artifact_view.h"
#include "operator/views/run_view.h"
#include "operator/views/step_rows.h"

namespace penstock::gateway {
namespace {

constexpr std::uint64_t kMostLog = 4 << 20, kLogPiece = 256 << 10;

// A report may hold what hostile data made of it: it runs nothing, loads nothing, and is of no
// origin.
constexpr const char* kSandbox =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

// Names that a browser may show as what they are; all others are bytes to be kept.
std::string MediaOf(const std::string& path) {
  const auto dot = path.rfind('.');
  const std::string ending = dot == std::string::npos ? "" : path.substr(dot + 1);
  if (ending == "html" || ending == "htm") return "text/html; charset=utf-8";
  if (ending == "json") return "application/json";
  if (ending == "csv" || ending == "txt" || ending == "md" || ending == "yaml" || ending == "yml" ||
      ending == "log")
    return "text/plain; charset=utf-8";
  if (ending == "png") return "image/png";
  return "application/octet-stream";
}

Result<void> GiveContent(const views::Place& place, ApiRequest& r) {
  Exchange& x = r.exchange();
  const std::string& path = r.Path("path");
  PENSTOCK_ASSIGN(const auto file, views::FileOf(place, r.ns(), r.Path("digest"), path));
  const bool page = path.empty() && r.Text("as") == "html";
  const std::string media = page ? "text/html; charset=utf-8" : MediaOf(path);
  Headers headers{{"Content-Type", media},
                  {"Content-Security-Policy", kSandbox},
                  {"X-Content-Type-Options", "nosniff"},
                  {"Cross-Origin-Resource-Policy", "same-origin"},
                  {"ETag", "\"" + file.digest + "\""},
                  {"Accept-Ranges", "bytes"},
                  {"Cache-Control", "private, max-age=31536000, immutable"}};
  if (x.Header("If-None-Match").find(file.digest) != std::string::npos) {
    x.Respond(304, "", "", headers);
    return {};
  }
  const auto range = ParseRange(x.Header("Range"), file.bytes);
  if (!range) {
    RespondApiError(x, 416, "Invalid", range.error().message,
                    {{"Content-Range", "bytes */" + std::to_string(file.bytes)}});
    return {};
  }
  const bool whole = range->length == file.bytes;
  if (!whole)
    headers.emplace_back("Content-Range", "bytes " + std::to_string(range->offset) + "-" +
                                              std::to_string(range->offset + range->length - 1) +
                                              "/" + std::to_string(file.bytes));
  return RespondBlob(x, place.store(), r.ns(), file.digest, whole ? 200 : 206, *range, headers);
}

Result<void> GiveLog(const views::Place& place, ApiRequest& r) {
  PENSTOCK_ASSIGN(const auto attempt, r.Index("attempt"));
  PENSTOCK_ASSIGN(const auto item, r.Index("item"));
  views::LogAsk ask;
  PENSTOCK_ASSIGN(ask.offset, r.Number("offset", 0, 0, 1ULL << 50));
  PENSTOCK_ASSIGN(ask.limit, r.Number("limit", kLogPiece, 1, kMostLog));
  if (!r.Text("tail").empty()) {
    PENSTOCK_ASSIGN(ask.tail, r.Number("tail", kLogPiece, 1, kMostLog));
  }
  PENSTOCK_ASSIGN(const auto run, views::FindRun(place, r.ns(), r.Path("name"), r.stop()));
  const std::string& step = r.Path("step");
  PENSTOCK_ASSIGN(ask.pod, views::PodOf(place, run.known, step, attempt, item, r.stop()));
  ask.ns = r.ns();
  ask.run_uid = run.known.run.meta.uid;
  const api::StepStatus* status = run.known.Step(step);
  ask.ended = run.known.run.status.finish_time || (status != nullptr && IsFinal(status->phase)) ||
              (status != nullptr && attempt && *attempt < status->attempts);
  PENSTOCK_ASSIGN(const auto piece, place.Log(ask, r.stop()));
  r.exchange().Respond(200, "text/plain; charset=utf-8", piece.text,
                       {{"X-Log-Offset", std::to_string(piece.offset)},
                        {"X-Log-Size", std::to_string(piece.size)},
                        {"X-Log-Complete", piece.complete ? "true" : "false"},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Cache-Control", "private, no-store"}});
  return {};
}

}  // namespace

void AddFileRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes) {
  const views::Place* place = parts.place;
  const auto give = [place](Result<void> (*handle)(const views::Place&, ApiRequest&)) {
    return [place, handle](ApiRequest& r) {
      if (auto given = handle(*place, r); !given)
        RespondApiError(r.exchange(), given.error(), r.field());
    };
  };
  routes.push_back(
      {.method = "GET",
       .path = "/namespaces/{ns}/runs/{name}/steps/{step}/log",
       .id = "getLog",
       .summary = "What a step wrote, live and after its pod; X-Log-Offset, X-Log-Size and "
                  "X-Log-Complete say which part it is",
       .right = {.verb = "get", .group = "", .resource = "pods", .subresource = "log"},
       .query = {{"attempt", "from 1; the newest where it is not given", true},
                 {"item", "of a looped step, from 0", true},
                 {"offset", "the first byte", true},
                 {"limit", "bytes: at most 4194304; 262144 where it is not given", true},
                 {"tail", "the last bytes, instead of an offset", true}},
       .answer = "",
       .media = "text/plain",
       .answers_itself = give(GiveLog)});
  routes.push_back(
      {.method = "GET",
       .path = "/namespaces/{ns}/artifacts/{digest}/content/{path...}",
       .id = "getContent",
       .summary = "The bytes of a file of an artifact; of one that is a single file "
                  "the path is empty. Pages come with a policy that runs nothing",
       .right = {.verb = "get", .resource = "pipelineruns", .subresource = ""},
       .query =
           {{"as", "html: show an artifact that is one file as a page", false, false, {"html"}}},
       .answer = "",
       .media = "application/octet-stream",
       .answers_itself = give(GiveContent)});
}

}  // namespace penstock::gateway
