#include "operator/gateway/api/testing/api_fixture.h"

#include <fstream>

#include "operator/api/codec.h"
#include "operator/api/manifest.h"
#include "operator/artifacts/tree.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/revisions/revision.h"
#include "operator/views/run/run_record.h"

namespace penstock::gateway {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPipeline = R"yaml(
apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: flights, namespace: team}
spec:
  description: Which flights are late?
  parameters:
  - {name: epochs, type: integer, default: 5, minimum: 1, description: how long to learn}
  - {name: source, type: string, default: "https://data.example.com/flights.csv?signature=secret"}
  steps:
  - name: ingest
    container: {image: "example.com/ingest@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", command: [ingest, $(inputs.source.path), $(outputs.dataset.path)]}
    inputs: {source: $(parameters.source)}
    outputs: [{name: dataset, type: dataset}]
  - name: train
    container: {image: "example.com/train@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", command: [train, --epochs, $(parameters.epochs)]}
    inputs: {train: $(steps.ingest.outputs.dataset)}
    outputs: [{name: model, type: model}]
    results: [{name: auc, type: number}]
  outputs: {model: $(steps.train.outputs.model)}
)yaml";

constexpr const char* kShip = R"yaml(
apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: ship, namespace: team}
spec:
  steps:
  - name: go
    approval:
      message: Ship it?
      approvers: [{group: ml-leads}]
      need: 2
      values:
      - {name: environment, enum: [staging, production]}
      - {name: share, type: integer, minimum: 1, maximum: 50, default: 5}
)yaml";

TimePoint At(int seconds) { return TimePoint(std::chrono::seconds(1'790'000'000 + seconds)); }

plan::ResolvedRun Resolved(const api::Pipeline& pipeline) {
  plan::Surroundings around;
  around.components = [](const std::string&, bool) { return std::vector<api::Component>(); };
  around.pipeline = [](const std::string&, bool) { return nullptr; };
  around.pipeline_output = [](const std::string&, const std::string&) { return std::nullopt; };
  around.code = [](const api::CodeSpec&) { return std::nullopt; };
  auto resolution = plan::Resolve(pipeline.meta.name, pipeline.spec, {}, around);
  EXPECT_TRUE(resolution.run) << api::Describe(resolution.errors);
  return *std::move(resolution.run);
}

api::PipelineRun RunOf(const std::string& name, const std::string& revision, double auc,
                       const std::string& dataset, const std::string& model) {
  api::PipelineRun run;
  run.meta.name = name;
  run.meta.namespace_ = "team";
  run.meta.uid = "uid-" + name;
  run.meta.created = At(name == "flights-0" ? 0 : 100);
  run.meta.labels["penstock.dev/pipeline"] = "flights";
  run.meta.annotations["penstock.dev/submitted-by"] = "alice";
  run.spec.pipeline_ref = "flights";
  api::PipelineRunStatus& status = run.status;
  status.revision = revision;
  status.start_time = At(101);
  status.finish_time = At(160);
  status.summary.total = status.summary.succeeded = 2;
  api::StepStatus ingest, train;
  ingest.name = "ingest";
  train.name = "train";
  ingest.phase = train.phase = api::StepPhase::kSucceeded;
  ingest.attempts = train.attempts = 1;
  for (api::StepStatus* step : {&ingest, &train}) {
    step->pod = plan::PodName(name, run.meta.uid, step->name, 1);
    step->start_time = At(110);
    step->finish_time = At(150);
  }
  ingest.sources = {{"source", "\"etag-1\""}};
  ingest.outputs = {{"dataset", "dataset", dataset, true, 40}};
  train.outputs = {{"model", "model", model, true, 7}};
  train.results = {{"auc", auc}};
  train.cache_key = std::string(64, '1');
  train.cache_miss = "NotFound";
  status.steps = {ingest, train};
  status.outputs = {{"model", "model", model, true, 7, name}};
  for (const char* type : {"Finished", "Succeeded"})
    status.conditions.push_back({type, api::ConditionStatus::kTrue, "Succeeded",
                                 "2 of 2 steps have succeeded", 1, At(160)});
  return run;
}

}  // namespace

Result<Json> ReviewingClient::Create(const kube::ResourceType& type, const std::string& ns,
                                     const Json& object, const kube::Call& call) {
  if (type == kube::kTokenReviews) {
    ++token_reviews;
    const std::string token = object["spec"].value("token", "");
    const bool ours = object["spec"].contains("audiences");
    const auto& known = ours ? pods : people;
    const auto user = known.find(token);
    if (user == known.end()) return Json{{"status", {{"error", "no such token"}}}};
    Json status{{"authenticated", true},
                {"user",
                 {{"username", user->second},
                  {"groups", {"system:authenticated"}},
                  {"extra", {{"scopes", {"user:info"}}}}}}};
    if (ours && looks_at_audiences) status["audiences"] = object["spec"]["audiences"];
    return Json{{"status", status}};
  }
  if (type == kube::kSubjectAccessReviews) {
    ++access_reviews;
    extra_of_the_last = object["spec"].value("extra", Json());
    groups_of_the_last = object["spec"].value("groups", Json());
    const Json& asked = object["spec"]["resourceAttributes"];
    const std::string who = object["spec"].value("user", "") + " " + asked.value("namespace", "");
    const std::string verb = asked.value("verb", "");
    const bool reads = verb == "get" || verb == "list";
    const bool makes = verb == "create" && makers.contains(who);
    const bool allowed = rights.contains(who) || (reads && readers.contains(who)) || makes;
    return Json{{"status", {{"allowed", allowed}}}};
  }
  return ForwardingClient::Create(type, ns, object, call);
}

void ApiTest::SetUp() {
  ASSERT_TRUE(artifacts::RemoveTree(dir_));
  fs::create_directories(dir_);
  store_ = std::make_unique<artifacts::Store>(dir_ / "artifacts");
  client_.people = {{"alice-token", "alice"}, {"bob-token", "bob"}, {"mallory-token", "mallory"}};
  client_.pods = {{"pod-token", "system:serviceaccount:team:default"}};
  client_.rights = {"alice team", "mallory rival"};
  client_.readers = {"bob team", "system:serviceaccount:team:default team"};
  metadata::BatchRecorderOptions options;
  options.database = metadata::SqliteFile(dir_ / "metadata.sqlite");
  recorder_ = metadata::BatchRecorder::Open(options, clock_);
  MakeArtifacts();
  MakeObjects();
  MakeHistory();
  views::ClusterPlaceOptions place;
  place.stands = [this](const std::string& ns, const std::string& name, const std::string&) {
    return std::optional<bool>(static_cast<bool>(cluster_.Get(kube::kPipelineRuns, ns, name)));
  };
  place_ = std::make_unique<views::ClusterPlace>(client_, metadata::Query(options.database),
                                                 *store_, place);
  acting_ = std::make_unique<ClusterActing>(
      *place_, [this](const Caller& caller) -> Result<std::unique_ptr<kube::Client>> {
        if (caller.by_gateway) {
          auto as = Impersonation(caller);
          if (!as) return as.error();
          acted_as_.push_back(*std::move(as));
        } else {
          tokens_used_.push_back(caller.token);
        }
        return std::unique_ptr<kube::Client>(std::make_unique<ReviewingClient>(cluster_));
      });
  EventHub::Options hub;
  hub.streams = 2;
  hub.look = Milliseconds(20);
  events_ = std::make_unique<EventHub>(place_->history(), hub);
}

void ApiTest::TearDown() {
  if (server_) server_->Stop();
}

void ApiTest::Start() {
  parts_ = {place_.get(),
            &access_,
            acting_.get(),
            &bodies_,
            events_.get(),
            [this](const std::string& line) {
              const std::lock_guard lock(audit_mutex_);
              audit_ += line + "\n";
            }};
  parts_.keeper = keeper_;
  if (people_) parts_.access = people_.get();
  if (provider_) parts_.login = Login{provider_.get(), sessions_.get()};
  AddApi(router_, parts_);
  net::HttpServerOptions options;
  options.address = "127.0.0.1";
  options.tls = tls_;
  auto started = net::HttpServer::Start(options, [this](Exchange& x) { router_.Dispatch(x); });
  ASSERT_TRUE(started) << started.error().message;
  server_ = std::move(*started);
}

void ApiTest::AddLogin() {
  issuer_ = std::make_unique<login::Issuer>();
  login::ProviderSettings settings;
  settings.issuer = issuer_->url;
  settings.client_id = issuer_->client_id;
  settings.client_secret = dir_ / "client-secret";
  std::ofstream(settings.client_secret) << issuer_->client_secret;
  settings.redirect_uri = issuer_->redirect_uri;
  settings.claims = {"sub", "oidc:", "groups", "oidc:"};
  provider_ = *login::Provider::Make(settings, clock_);
  sessions_ = *login::Sessions::Open(*login::Seal::Make(std::string(32, 'k')),
                                     {std::chrono::hours(1), dir_ / "ended"}, clock_);
  people_ = std::make_unique<PeopleAccess>(access_, sessions_.get(), clock_, signer_);
}

std::string ApiTest::SessionOf(const std::string& user, std::vector<std::string> groups) const {
  return Sent(*sessions_->Begin({user, std::move(groups)}));
}

void ApiTest::MakeArtifacts() {
  const auto put = [&](const fs::path& path) {
    auto artifact = store_->Put("team", path);
    EXPECT_TRUE(artifact) << artifact.error().message;
    return artifact->digest;
  };
  fs::create_directories(dir_ / "dataset" / "part");
  std::ofstream(dir_ / "dataset" / "_schema.json")
      << R"({"columns":[{"name":"delay","type":"double"}],"rows":3})";
  std::ofstream(dir_ / "dataset" / "_sample.json")
      << R"({"columns":["delay"],"cut":[[2,0,300]],"moreColumns":0,"places":[0,1,2],)"
         R"("rows":[[1],[2],["<b>3"]]})";
  std::ofstream(dir_ / "dataset" / "part" / "a b.csv") << "delay\n1\n2\n3\n";
  dataset_ = put(dir_ / "dataset");
  fs::create_directories(dir_ / "model");
  std::ofstream(dir_ / "model" / "model.yaml") << "kind: mlp\n";
  model_ = put(dir_ / "model");
  std::ofstream(dir_ / "report.html") << "<script>steal()</script>";
  report_ = put(dir_ / "report.html");
}

void ApiTest::MakeObjects() {
  const auto create = [&](const kube::ResourceType& type, const Json& object) {
    const auto made = cluster_.Create(type, "team", object);
    ASSERT_TRUE(made) << made.error().message;
  };
  const Json object = api::ParseManifests(kPipeline, "test")->at(0).object;
  create(kube::kPipelines, object);
  const auto resolved = Resolved(api::DecodePipeline(object).value);
  const std::string text = revisions::RevisionText(resolved);
  create(kube::kControllerRevisions, *revisions::MakeRevision("team", text));
  auto run = RunOf("flights-1", revisions::RevisionName(text), 0.75, dataset_, model_);
  cluster_.Restore(kube::kPipelineRuns, api::Encode(run));
  api::ModelDeployment md;
  md.meta.name = "delays";
  md.meta.namespace_ = "team";
  md.meta.uid = "uid-delays";
  md.spec.model = "$(pipelines.flights.outputs.model)";
  api::ModelVersionStatus stable;
  stable.version = 3;
  stable.digest = model_;
  stable.run = "flights-1";
  stable.weight = "95%";
  md.status.stable = stable;
  api::ModelVersionStatus candidate = stable;
  candidate.version = 4;
  candidate.phase = api::kPhaseStep;
  candidate.step = 1;
  candidate.weight = "5%";
  candidate.gates = {{"errorRate", "errorRate", "0.4%", "0.1%", "1.1%", "Inconclusive", 1200, ""}};
  md.status.candidate = candidate;
  md.spec.rollout.gates.emplace_back();
  md.spec.rollout.gates[0].metric = "errorRate";
  md.spec.rollout.gates[0].max = "1%";
  md.status.history = {{2, model_, "RolledBack", "errorRate", At(50), "hash"}};
  cluster_.Restore(kube::kModelDeployments, api::Encode(md));
}

void ApiTest::MakeWaitingRun() {
  const Json object = api::ParseManifests(kShip, "test")->at(0).object;
  const auto text = revisions::RevisionText(Resolved(api::DecodePipeline(object).value));
  const auto revision = revisions::MakeRevision("team", text);
  ASSERT_TRUE(cluster_.Create(kube::kControllerRevisions, "team", *revision));
  api::PipelineRun run;
  run.meta.name = "ship-1";
  run.meta.namespace_ = "team";
  run.meta.uid = "uid-ship-1";
  run.meta.created = At(200);
  run.spec.pipeline_ref = "ship";
  run.status.revision = revisions::RevisionName(text);
  run.status.start_time = At(201);
  run.status.summary.total = run.status.summary.running = 1;
  api::StepStatus go;
  go.name = "go";
  go.phase = api::StepPhase::kRunning;
  go.reason = "AwaitingApproval";
  go.message = "Ship it? - waits for 2 approvals by group ml-leads";
  run.status.steps = {go};
  cluster_.Restore(kube::kPipelineRuns, api::Encode(run));
}

void ApiTest::MakeHistory() {
  const Json object = cluster_.Get(kube::kPipelines, "team", "flights").value();
  const auto resolved = Resolved(api::DecodePipeline(object).value);
  const std::string revision = revisions::RevisionName(revisions::RevisionText(resolved));
  for (const auto& [name, auc] : {std::pair{"flights-0", 0.5}, {"flights-1", 0.75}})
    recorder_->RecordRun(
        views::MakeRecord(RunOf(name, revision, auc, dataset_, model_), &resolved));
  recorder_->Flush();
}

net::HttpResponse ApiTest::Ask(const std::string& method, const std::string& target,
                               const std::string& token, const Json& body,
                               net::Headers headers) const {
  net::HttpRequest request;
  request.method = method;
  request.target = target.starts_with("/api") ? target : kApiRoot + target;
  request.headers = std::move(headers);
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
  if (!body.is_null()) request.body = body.dump();
  auto client = net::HttpClient::Make("http://127.0.0.1:" + std::to_string(server_->port()), {});
  EXPECT_TRUE(client) << client.error().message;
  auto reply = (*client)->Send(request, {.idle = std::chrono::seconds(20)});
  EXPECT_TRUE(reply) << method << " " << target << ": " << reply.error().message;
  return reply ? *reply : net::HttpResponse{};
}

Json ApiTest::Get(const std::string& path) const {
  const auto reply = Ask("GET", path);
  EXPECT_EQ(reply.status, 200) << path << ": " << reply.body;
  return BodyOf(reply);
}

Json ApiTest::BodyOf(const net::HttpResponse& reply) {
  auto body = ParseJson(reply.body, "body");
  EXPECT_TRUE(body) << reply.body.substr(0, 200);
  return body ? *body : Json();
}

}  // namespace penstock::gateway
