#include "operator/views/lineage_view.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "operator/api/codec.h"
#include "operator/api/registry/registered_model.h"
#include "operator/artifacts/prediction_store.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/views/run/json_out.h"

namespace penstock::views {
namespace {

class LineageGraphView {
 public:
  void Add(const std::string& id, const char* kind, const std::string& label, Json more) {
    if (!seen_.insert(id).second) return;
    more["id"] = id;
    more["kind"] = kind;
    more["label"] = label;
    nodes_.push_back(std::move(more));
  }
  void Edge(const std::string& from, const std::string& to) {
    if (edge_.insert({from, to}).second) edges_.push_back({from, to});
  }
  void Take(const metadata::LineageGraph& graph) {
    cut_ = cut_ || graph.cut;
    for (const auto& s : graph.steps) {
      Json more{{"run", s.run}, {"step", s.step}};
      Put(more, "component", s.component);
      Put(more, "pipeline", s.pipeline);
      Put(more, "started", s.started);
      Add(IdOf(s), "step", s.run + "/" + s.step, std::move(more));
    }
    for (const auto& use : graph.uses) TakeUse(graph.steps[use.step], use);
  }
  void AddArtifact(const metadata::ArtifactUse& a) {
    Json more{{"digest", a.digest}};
    Put(more, "type", a.type);
    if (a.bytes != 0) more["bytes"] = a.bytes;
    const std::string hex = IsDigest(a.digest) ? a.digest.substr(7, 8) : a.digest.substr(0, 8);
    Add(a.digest, "artifact", (a.type.empty() ? "artifact" : a.type) + " " + hex, std::move(more));
  }
  [[nodiscard]] std::set<std::string> seen() const { return seen_; }
  // Those of `begin`, and what leads there (up), or they lead to (down).
  [[nodiscard]] Json Told(const std::set<std::string>& begin, bool up, bool down) && {
    std::set<std::string> kept = begin;
    if (up) kept.merge(Reached(begin, 1));
    if (down) kept.merge(Reached(begin, 0));
    Json nodes = Json::array(), edges = Json::array();
    for (Json& node : nodes_)
      if (kept.contains(node.at("id").get<std::string>())) nodes.push_back(std::move(node));
    for (const auto& edge : edges_)
      if (kept.contains(edge[0]) && kept.contains(edge[1])) edges.push_back({edge[0], edge[1]});
    return {{"nodes", std::move(nodes)}, {"edges", std::move(edges)}, {"cut", cut_}};
  }

 private:
  using Pair = std::array<std::string, 2>;  // what is used, what uses it

  // By edges from their end `from` to the other one.
  [[nodiscard]] std::set<std::string> Reached(const std::set<std::string>& begin,
                                              std::size_t from) const {
    std::multimap<std::string, std::string> next;
    for (const Pair& edge : edges_) next.emplace(edge[from], edge[1 - from]);
    std::set<std::string> reached;
    std::vector<std::string> open(begin.begin(), begin.end());
    while (!open.empty()) {
      const std::string id = std::move(open.back());
      open.pop_back();
      const auto [first, last] = next.equal_range(id);
      for (auto it = first; it != last; ++it)
        if (reached.insert(it->second).second) open.push_back(it->second);
    }
    return reached;
  }

  static std::string IdOf(const metadata::LineageGraph::Step& s) {
    return "step:" + s.run_uid + "/" + s.step;
  }
  void TakeUse(const metadata::LineageGraph::Step& step, const metadata::LineageGraph::Use& use) {
    std::string id = use.what.digest;
    if (id.empty()) {
      id =
          "file:" + use.what.uri + (use.what.fingerprint.empty() ? "" : "@" + use.what.fingerprint);
      Json more{{"uri", use.what.uri}};
      Put(more, "digest", use.what.fingerprint);
      Add(id, "file", use.what.uri, std::move(more));
    } else {
      AddArtifact(use.what);
    }
    if (use.in)
      Edge(id, IdOf(step));
    else
      Edge(IdOf(step), id);
  }

  Json nodes_ = Json::array();
  std::vector<Pair> edges_;
  std::set<std::string> seen_;
  std::set<std::pair<std::string, std::string>> edge_;
  bool cut_ = false;
};

// Versions that serve, or that are coming in.
void AddDeployment(const api::ModelDeployment& md, LineageGraphView& view,
                   std::vector<std::string>* digests, const std::set<std::string>* only) {
  for (const auto* version : {&md.status.stable, &md.status.candidate}) {
    if (!*version) continue;
    const api::ModelVersionStatus& v = **version;
    if (only != nullptr && !only->contains(v.digest)) continue;
    const std::string id = "deployment:" + md.meta.name + "/v" + std::to_string(v.version);
    Json more{{"digest", v.digest}, {"version", v.version}};
    Put(more, "uri", v.source);
    Put(more, "weight", v.weight);
    view.Add(id, "deployment", md.meta.name + " v" + std::to_string(v.version), std::move(more));
    if (v.digest.empty()) continue;  // it is not there yet
    view.AddArtifact({"", "model", v.digest, "", v.folder, v.bytes});
    view.Edge(v.digest, id);
    if (digests != nullptr) digests->push_back(v.digest);
  }
}

void AddVersion(const api::RegisteredVersion& v, LineageGraphView& view,
                std::vector<std::string>& digests) {
  const std::string id = "model:" + api::VersionObjectName(v.spec.model, v.spec.version);
  Json more{{"digest", v.spec.digest}, {"version", v.spec.version}};
  Put(more, "uri", v.spec.source);
  Put(more, "run", v.spec.run);
  view.Add(id, "model", v.spec.model + ":" + std::to_string(v.spec.version), std::move(more));
  if (v.spec.digest.empty()) return;
  view.AddArtifact({"", "model", v.spec.digest, "", v.spec.folder, v.spec.bytes});
  view.Edge(v.spec.digest, id);
  digests.push_back(v.spec.digest);
}

class ModelFinder {
 public:
  ModelFinder(const Place& place, const LineageAsk& ask, const std::stop_token& stop)
      : place_(place), ask_(ask), stop_(stop) {}

  // Puts what the name means into the view; the digests that the walk begins at.
  [[nodiscard]] Result<std::vector<std::string>> Find(LineageGraphView& view) const {
    std::vector<std::string> digests;
    const auto colon = ask_.model.find(':');
    if (colon == std::string::npos) {
      const auto object = place_.Get(kube::kModelDeployments, ask_.ns, ask_.model, stop_);
      if (object) {
        AddDeployment(api::DecodeModelDeployment(*object).value, view, &digests, nullptr);
        if (digests.empty())
          return NotFound("ModelDeployment " + ask_.model + " serves nothing yet");
        return digests;
      }
      if (object.error().kind != ErrorKind::kNotFound) return object.error();
    }
    PENSTOCK_TRY(FindVersions(ask_.model.substr(0, colon),
                              colon == std::string::npos ? "" : ask_.model.substr(colon + 1), view,
                              digests));
    if (digests.empty())
      return NotFound("there is no ModelDeployment and no registered model " + ask_.model +
                      " in namespace " + ask_.ns);
    return digests;
  }

 private:
  Result<void> FindVersions(const std::string& name, const std::string& which,
                            LineageGraphView& view, std::vector<std::string>& digests) const {
    std::optional<std::int64_t> number;
    if (!which.empty()) {
      if (which.find_first_not_of("0123456789") == std::string::npos && which.size() < 10)
        number = std::stoll(which);
      const auto model = place_.Get(kube::kModels, ask_.ns, name, stop_);
      if (!number && model) number = api::DecodeRegisteredModel(*model).value.spec.VersionOf(which);
      if (!model && model.error().kind != ErrorKind::kNotFound) return model.error();
      if (!number) return NotFound("model " + name + " has no alias or version " + which);
    }
    PENSTOCK_ASSIGN(const auto objects, place_.List(kube::kModelVersions, ask_.ns, "", stop_));
    for (const Json& object : objects) {
      const auto version = api::DecodeRegisteredVersion(object).value;
      if (version.spec.model != name || (number && version.spec.version != *number)) continue;
      AddVersion(version, view, digests);
    }
    return {};
  }

  const Place& place_;
  const LineageAsk& ask_;
  const std::stop_token& stop_;
};

// What serves one of these, where the walk went down to it.
Result<void> AddServers(const Place& place, const LineageAsk& ask,
                        const metadata::LineageGraph& graph,
                        const std::vector<std::string>& digests, const std::stop_token& stop,
                        LineageGraphView& view) {
  std::set<std::string> made(digests.begin(), digests.end());
  for (const auto& use : graph.uses)
    if (!use.in) made.insert(use.what.digest);
  PENSTOCK_ASSIGN(const auto objects, place.List(kube::kModelDeployments, ask.ns, "", stop));
  for (const Json& object : objects)
    AddDeployment(api::DecodeModelDeployment(object).value, view, nullptr, &made);
  return {};
}

// The version that answered, by what its server wrote down.
Result<std::vector<std::string>> FindRequest(const Place& place, const LineageAsk& ask,
                                             const std::stop_token& stop, LineageGraphView& view) {
  PENSTOCK_ASSIGN(const auto found,
                  artifacts::PredictionStore(place.store().root())
                      .FindRequest(ask.ns, ask.model, ask.request, *ask.clock, stop));
  const std::string request = "request:" + ask.request;
  const std::string version = found.deployment + " v" + found.version;
  const std::string id = "deployment:" + found.deployment + "/v" + found.version;
  Json more = Json::object();
  Put(more, "digest", found.digest);
  view.Add(request, "request", ask.request, Json::object());
  view.Add(id, "deployment", version, std::move(more));
  view.Edge(id, request);
  if (!IsDigest(found.digest)) return std::vector<std::string>();  // of no artifact of the store
  view.AddArtifact({"", "model", found.digest, "", false, 0});
  view.Edge(found.digest, id);
  return std::vector<std::string>{found.digest};
}

}  // namespace

Result<Json> LineageView(const Place& place, const LineageAsk& ask, const std::stop_token& stop) {
  const bool of_request = !ask.request.empty();
  if (of_request ? !ask.artifact.empty() : ask.artifact.empty() == ask.model.empty())
    return Invalid("give one of artifact=sha256:..., model=NAME and request=ID");
  LineageGraphView view;
  std::vector<std::string> digests{ask.artifact};
  if (of_request) {
    PENSTOCK_ASSIGN(digests, FindRequest(place, ask, stop, view));
  } else if (!ask.model.empty()) {
    PENSTOCK_ASSIGN(digests, ModelFinder(place, ask, stop).Find(view));
  } else if (!IsDigest(ask.artifact)) {
    return Invalid("artifact: '" + ask.artifact.substr(0, 100) + "' is no sha256:<64 hex>");
  } else {
    auto known = place.history().Artifact(ask.ns, ask.artifact);
    if (!known) return known.error();
    view.AddArtifact(*known);
  }
  metadata::LineageOptions options;
  options.up = ask.up;
  options.down = ask.down;
  options.depth = std::clamp(ask.depth, 1, 1'000);
  auto graph = place.history().Walk(ask.ns, digests, options);
  if (!graph) return graph.error();
  const std::set<std::string> begin = view.seen();
  view.Take(*graph);
  if (ask.down) PENSTOCK_TRY(AddServers(place, ask, *graph, digests, stop, view));
  return std::move(view).Told(begin, ask.up, ask.down);
}

}  // namespace penstock::views
