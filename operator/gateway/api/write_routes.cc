// What people do: run, cancel, rerun, approve, steer a rollout.
#include <algorithm>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/views/run/known_run.h"
#include "operator/views/run_view.h"

namespace penstock::gateway {
namespace {

// A field of the body of this type; `empty` where it is not given and need not be.
template <typename T>
Result<T> Field(ApiRequest& r, const char* name, bool (Json::*is)() const noexcept,
                const char* type, std::optional<T> otherwise) {
  const auto it = r.body.find(name);
  if (it == r.body.end() && otherwise) return *otherwise;
  if (it != r.body.end() && ((*it).*is)()) return it->get<T>();
  r.Blame(name);
  return Invalid(std::string(name) + (it == r.body.end() ? ": is missing; give " : ": must be ") +
                 type);
}

Result<std::string> TextField(ApiRequest& r, const char* name, bool required) {
  return Field<std::string>(r, name, &Json::is_string, "a text",
                            required ? std::nullopt : std::optional<std::string>(""));
}

// Nothing where it is not given.
Result<std::optional<std::int64_t>> NumberField(ApiRequest& r, const char* name) {
  std::optional<std::int64_t> number;
  if (!r.body.contains(name)) return number;
  PENSTOCK_ASSIGN(number, Field<std::int64_t>(r, name, &Json::is_number_integer, "a whole number",
                                              std::nullopt));
  return number;
}

using Values = std::map<std::string, Json>;
Result<Values> ValuesField(ApiRequest& r, const char* name) {
  return Field<Values>(r, name, &Json::is_object, "an object of values by name", Values{});
}

Result<std::vector<std::string>> NamesField(ApiRequest& r, const char* name) {
  PENSTOCK_ASSIGN(const Json list,
                  Field<Json>(r, name, &Json::is_array, "a list of names", Json::array()));
  std::vector<std::string> names;
  for (const Json& one : list) {
    if (!one.is_string()) {
      r.Blame(name);
      return Invalid(std::string(name) + ": must be a list of names");
    }
    names.push_back(one.get<std::string>());
  }
  return names;
}

// Nothing that is asked for is left out in silence.
Result<void> Only(ApiRequest& r, const std::vector<std::string>& known) {
  for (const auto& [name, value] : r.body.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    r.Blame(name);
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
    return Invalid("the body has no field '" + plan::Shown(name, 80) + "'; it has " + all);
  }
  return {};
}

// The command stands in a header, which people's words may be part of.
Headers CommandOf(const Done& done) {
  return {{"X-Penstock-Command", plan::Shown(done.command, 4 * 1024)}};
}

Result<Reply> AsRun(const views::Place& place, int status, Result<Done> done) {
  if (!done) return done.error();
  PENSTOCK_ASSIGN(const auto known, views::ReadRun(std::move(done->object)));
  return Reply{status, views::RowOf(place, known, false), CommandOf(*done)};
}

Result<Reply> StartRun(const ApiParts& parts, ApiRequest& r) {
  PENSTOCK_TRY(Only(r, {"pipeline", "parameters", "name"}));
  RunRequest request;
  PENSTOCK_ASSIGN(request.pipeline, TextField(r, "pipeline", true));
  if (request.pipeline.empty()) r.Blame("pipeline");
  PENSTOCK_ASSIGN(request.name, TextField(r, "name", false));
  PENSTOCK_ASSIGN(request.parameters, ValuesField(r, "parameters"));
  return AsRun(*parts.place, 201, parts.acting->Run(r.caller(), r.ns(), request, r.stop()));
}

Result<Reply> Rerun(const ApiParts& parts, ApiRequest& r) {
  PENSTOCK_TRY(Only(r, {"parameters", "from"}));
  RerunRequest request;
  PENSTOCK_ASSIGN(request.parameters, ValuesField(r, "parameters"));
  if (r.body.contains("from")) {
    PENSTOCK_ASSIGN(request.from, NamesField(r, "from"));
  }
  return AsRun(*parts.place, 202,
               parts.acting->Rerun(r.caller(), r.ns(), r.Path("name"), request, r.stop()));
}

Result<Reply> Approve(const ApiParts& parts, ApiRequest& r) {
  PENSTOCK_TRY(Only(r, {"step", "approved", "comment", "values"}));
  ApprovalRequest request;
  PENSTOCK_ASSIGN(request.step, TextField(r, "step", true));
  PENSTOCK_ASSIGN(request.approved,
                  Field<bool>(r, "approved", &Json::is_boolean, "true or false", std::nullopt));
  PENSTOCK_ASSIGN(request.comment, TextField(r, "comment", false));
  PENSTOCK_ASSIGN(request.values, ValuesField(r, "values"));
  return AsRun(*parts.place, 202,
               parts.acting->Approve(r.caller(), r.ns(), r.Path("name"), request, r.stop()));
}

Result<Reply> ApproveModel(const ApiParts& parts, ApiRequest& r) {
  PENSTOCK_TRY(Only(r, {"approved", "comment", "version", "step"}));
  ApprovalRequest request;
  PENSTOCK_ASSIGN(request.approved,
                  Field<bool>(r, "approved", &Json::is_boolean, "true or false", std::nullopt));
  PENSTOCK_ASSIGN(request.comment, TextField(r, "comment", false));
  PENSTOCK_ASSIGN(request.version, NumberField(r, "version"));
  PENSTOCK_ASSIGN(request.number, NumberField(r, "step"));
  PENSTOCK_ASSIGN(const Done done, parts.acting->ApproveModel(r.caller(), r.ns(), r.Path("name"),
                                                              request, r.stop()));
  const char* word = request.approved ? "approve" : "reject";
  return Reply{202, {{"name", r.Path("name")}, {"word", word}}, CommandOf(done)};
}

}  // namespace

void AddWriteRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes) {
  // It reads by the operator's account: the caller must have the right to see what that is.
  const auto add = [&](const std::string& path, const char* id, const char* summary, Right right,
                       std::vector<Right> also, const char* answer, const char* body, int status,
                       std::function<Result<Reply>(ApiRequest&)> handle) {
    routes.push_back({.method = "POST",
                      .path = "/namespaces/{ns}/" + path,
                      .id = id,
                      .summary = summary,
                      .right = std::move(right),
                      .also = std::move(also),
                      .answer = answer,
                      .body = body,
                      .status = status,
                      .handle = std::move(handle)});
  };
  const auto to = [](const char* verb, const char* resource) {
    return Right{.verb = verb, .resource = resource, .subresource = ""};
  };
  add("runs", "startRun", "Start a run of a Pipeline", to("create", "pipelineruns"),
      {to("get", "pipelines")}, "RunRow", "StartRun", 201,
      [&parts](ApiRequest& r) { return StartRun(parts, r); });
  add("runs/{name}/cancel", "cancelRun", "Cancel a run", to("patch", "pipelineruns"),
      {to("get", "pipelineruns")}, "RunRow", "Nothing", 202,
      [&parts](ApiRequest& r) -> Result<Reply> {
        PENSTOCK_TRY(Only(r, {}));
        return AsRun(*parts.place, 202,
                     parts.acting->Cancel(r.caller(), r.ns(), r.Path("name"), r.stop()));
      });
  add("runs/{name}/rerun", "rerunRun",
      "Run the same Pipeline again with the run's parameters, what has succeeded from the cache; "
      "or, "
      "with `from`, that run once more from these steps on",
      to("create", "pipelineruns"), {to("get", "pipelineruns"), to("get", "pipelines")}, "RunRow",
      "RerunRun", 202, [&parts](ApiRequest& r) { return Rerun(parts, r); });
  add("runs/{name}/approve", "approveStep", "Decide an approval step", to("create", "approvals"),
      {to("get", "pipelineruns")}, "RunRow", "ApproveStep", 202,
      [&parts](ApiRequest& r) { return Approve(parts, r); });
  add("models/{name}/approve", "approveModel",
      "Decide the step at which the version that is coming in waits for people",
      to("create", "approvals"), {to("get", "modeldeployments")}, "Steered", "ApproveModel", 202,
      [&parts](ApiRequest& r) { return ApproveModel(parts, r); });
  for (const char* word : {"promote", "pause", "resume", "abort"})
    add(std::string("models/{name}/") + word, (std::string(word) + "Model").c_str(),
        "Say this to the version that is coming in", to("patch", "modeldeployments"),
        {to("get", "modeldeployments")}, "Steered", "Nothing", 202,
        [&parts, word](ApiRequest& r) -> Result<Reply> {
          PENSTOCK_TRY(Only(r, {}));
          PENSTOCK_ASSIGN(const Done done,
                          parts.acting->Steer(r.caller(), r.ns(), r.Path("name"), word, r.stop()));
          return Reply{202, {{"name", r.Path("name")}, {"word", word}}, CommandOf(done)};
        });
}

}  // namespace penstock::gateway
