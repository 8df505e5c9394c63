// Against a server of HTTP that keeps objects by their paths, as the API server does.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "components/kubernetes/object_type.h"
#include "components/kubernetes/run.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/kube/api_client.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::kubernetes {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kJobs = "/apis/batch/v1/namespaces/team/jobs";

class FakeApi {
 public:
  FakeApi() : server_([this](net::FakeConnection& c) { Serve(c); }) {}

  [[nodiscard]] std::string url() const { return server_.url(); }
  // The object at a path is changed before each GET of it.
  std::function<void(const std::string& path, Json& object, int times)> on_get;
  std::map<std::string, Json> objects;
  std::function<void()> on_write;  // after each, which then has no answer
  std::vector<std::string> calls;  // "PATCH /apis/...?query"
  std::mutex mutex;

 private:
  void Serve(net::FakeConnection& c) {
    for (std::string request; !(request = c.ReadRequest()).empty();) {
      const std::scoped_lock lock(mutex);
      const std::string method = request.substr(0, request.find(' '));
      const std::size_t begin = method.size() + 1;
      const std::string target = request.substr(begin, request.find(' ', begin) - begin);
      const std::string path = target.substr(0, target.find('?'));
      const std::string body = request.substr(request.find("\r\n\r\n") + 4);
      calls.push_back(method + " " + target);
      Answer(c, method, path, body);
    }
  }
  void Refuse(net::FakeConnection& c, int status, const std::string& reason) {
    Give(c, status,
         {{"kind", "Status"}, {"reason", reason}, {"message", reason}, {"code", status}});
  }
  static void Give(net::FakeConnection& c, int status, const Json& object) {
    c.Answer(status, object.dump(), "Content-Type: application/json\r\n");
  }
  void Answer(net::FakeConnection& c, const std::string& method, const std::string& path,
              const std::string& body) {
    if (path == "/apis/batch/v1")
      return Give(c, 200,
                  {{"kind", "APIResourceList"},
                   {"resources",
                    {{{"name", "jobs/status"}, {"kind", "Job"}, {"namespaced", true}},
                     {{"name", "jobs"}, {"kind", "Job"}, {"namespaced", true}}}}});
    if (path == "/api/v1")
      return Give(c, 200,
                  {{"resources",
                    {{{"name", "namespaces"}, {"kind", "Namespace"}, {"namespaced", false}},
                     {{"name", "secrets"}, {"kind", "Secret"}, {"namespaced", true}}}}});
    if (method == "POST") {
      Json object = Json::parse(body);
      Json& meta = object["metadata"];
      if (!meta.contains("name")) meta["name"] = meta["generateName"].get<std::string>() + "x1";
      const std::string at = path + "/" + meta["name"].get<std::string>();
      if (objects.contains(at)) return Refuse(c, 409, "AlreadyExists");
      meta["uid"] = "uid-" + std::to_string(++uids_);
      objects[at] = object;
      return on_write ? on_write() : Give(c, 201, object);
    }
    if (method == "PATCH") {
      Json& object = objects[path];
      object.merge_patch(Json::parse(body));
      if (!object["metadata"].contains("uid"))
        object["metadata"]["uid"] = "uid-" + std::to_string(++uids_);
      return on_write ? on_write() : Give(c, 200, object);
    }
    const auto it = objects.find(path);
    if (it == objects.end()) return Refuse(c, 404, "NotFound");
    const Json object = it->second;
    if (method == "DELETE") objects.erase(it);
    if (method == "GET" && on_get) on_get(path, it->second, ++times_[path]);
    Give(c, 200, method == "DELETE" ? object : it->second);
  }

  int uids_ = 0;
  std::map<std::string, int> times_;
  net::FakeServer server_;
};

class Kubernetes : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-kubernetes-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directories(folder_ / "results");
    kube::ClusterConfig config;
    config.server = api_.url();
    client_ = kube::ApiClient::Make(config, clock_).value();
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<void> Run(Json parameters, std::stop_token stop = {}) {
    sdk::Step step(std::move(parameters), inputs_, {{"object", (folder_ / "object").string()}},
                   (folder_ / "results").string());
    return RunKubernetes(step, *client_, run_, std::move(stop));
  }
  std::string ErrorOf(Json parameters) {
    const auto done = Run(std::move(parameters));
    return done ? "it is done" : done.error().message;
  }
  std::string ReadText(const std::string& name) {
    const auto text = ReadFile(folder_ / name);
    return text ? *text : text.error().message;
  }
  static Json Job(const std::string& name = "train") {
    return {{"apiVersion", "batch/v1"},
            {"kind", "Job"},
            {"metadata", {{"name", name}}},
            {"spec", {{"parallelism", 2}}}};
  }

  fs::path folder_;
  FakeApi api_;
  SystemClock clock_;
  std::unique_ptr<kube::Client> client_;
  penstock::kubernetes::Run run_{"first", "run-uid", "team", "flights", "train"};
  std::map<std::string, sdk::StepInput> inputs_;
};

TEST_F(Kubernetes, AppliesAnObjectInTheRunsNamespaceAndGivesWhatItIsAskedFor) {
  const auto done = Run(
      {{"manifest", Job()}, {"results", {{"n", "spec.parallelism"}, {"who", "metadata.name"}}}});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(api_.calls,
              Contains("PATCH " + kJobs + "/train?fieldManager=penstock-flights-train"));
  EXPECT_EQ(ReadText("results/name"), "train");
  EXPECT_EQ(ReadText("results/uid"), "uid-1");
  EXPECT_EQ(Json::parse(ReadText("results/values")), Json::parse(R"({"n": 2, "who": "train"})"));
  EXPECT_EQ(Json::parse(ReadText("object"))["kind"], "Job");
  EXPECT_FALSE(api_.objects[kJobs + "/train"]["metadata"].contains("ownerReferences"));
}

TEST_F(Kubernetes, WaitsUntilTheConditionOfItsStatusIsTrue) {
  api_.on_get = [](const std::string&, Json& job, int times) {
    if (times == 1)
      job["status"]["conditions"] = Json::array({{{"type", "Complete"}, {"status", "False"}}});
    if (times == 3) job["status"]["conditions"][0]["status"] = "True";
  };
  ASSERT_EQ(ErrorOf({{"manifest", Job()}, {"condition", "Complete"}, {"interval", "1ms"}}),
            "it is done");
  EXPECT_EQ(Json::parse(ReadText("object"))["status"]["conditions"][0]["status"], "True");
}

TEST_F(Kubernetes, AConditionOfBeforeTheChangeIsNotTakenForOneOfAfterIt) {
  for (const bool own : {false, true}) {
    Json& job = api_.objects[kJobs + "/train"];
    job = {{"metadata", {{"name", "train"}, {"uid", "u"}, {"generation", 2}}}};
    const auto say = [own](Json& seen, int generation, const char* type) {
      Json condition{{"type", type}, {"status", "True"}};
      seen["status"] = Json::object();
      (own ? condition : seen["status"])["observedGeneration"] = generation;
      seen["status"]["conditions"] = Json::array({condition});
    };
    say(job, 1, "Complete");
    std::atomic<int> looks = 0;
    api_.on_get = [&](const std::string&, Json& seen, int) {
      ++looks;
      say(seen, looks == 1 ? 1 : 2, looks == 1 ? "Failed" : "Complete");
    };
    EXPECT_EQ(ErrorOf({{"manifest", Job()}, {"condition", "Complete"}, {"interval", "1ms"}}),
              "it is done");
    EXPECT_EQ(looks, 2) << "an old Failed counts as little as an old Complete";
  }
}

TEST_F(Kubernetes, AJobThatFailedIsNotWaitedForToItsTimeOut) {
  api_.on_get = [](const std::string&, Json& job, int) {
    job["status"]["conditions"] = Json::array({{{"type", "Failed"},
                                                {"status", "True"},
                                                {"reason", "BackoffLimitExceeded"},
                                                {"message", "Job has reached its limit"}}});
  };
  EXPECT_THAT(ErrorOf({{"manifest", Job()}, {"condition", "Complete"}, {"interval", "1ms"}}),
              HasSubstr("Job team/train: its condition Failed is True (BackoffLimitExceeded): Job "
                        "has reached its limit"));
}

TEST_F(Kubernetes, WhatCannotBeEvaluatedYetIsFalseAndIsToldAtTheTimeOut) {
  api_.on_get = [](const std::string&, Json& job, int times) {
    if (times >= 3) job["status"]["succeeded"] = 1;
  };
  EXPECT_EQ(
      ErrorOf(
          {{"manifest", Job()}, {"successCondition", "status.succeeded > 0"}, {"interval", "1ms"}}),
      "it is done");
  EXPECT_THAT(ErrorOf({{"manifest", Job("other")},
                       {"successCondition", "status.never > 0"},
                       {"interval", "1ms"},
                       {"timeout", "20ms"}}),
              HasSubstr("Job team/other was not as wanted within 20ms: successCondition "
                        "(status.never > 0): "));
  EXPECT_THAT(ErrorOf({{"manifest", Job("third")},
                       {"failureCondition", "status.succeeded == 1"},
                       {"successCondition", "false"},
                       {"interval", "1ms"}}),
              HasSubstr("failureCondition (status.succeeded == 1) is true"));
}

TEST_F(Kubernetes, CreateTakesAGeneratedNameAndRefusesOneThatIsTaken) {
  Json job = Job();
  job["metadata"] = {{"generateName", "train-"}};
  ASSERT_EQ(ErrorOf({{"action", "create"}, {"manifest", job}}), "it is done");
  EXPECT_EQ(ReadText("results/name"), "train-x1");
  run_.step = "another";
  EXPECT_THAT(ErrorOf({{"action", "create"}, {"manifest", Job("train-x1")}}),
              HasSubstr("create Job team/train-x1: "));
}

TEST_F(Kubernetes, PatchesReadsAndDeletesWithoutMakingAnything) {
  api_.objects[kJobs + "/train"] = {{"metadata", {{"name", "train"}, {"uid", "u"}}},
                                    {"spec", {{"a", 1}, {"b", 2}}}};
  Json patch = Job();
  patch["spec"] = {{"a", nullptr}, {"c", 3}};
  ASSERT_EQ(ErrorOf({{"action", "patch"}, {"manifest", patch}}), "it is done");
  EXPECT_EQ(api_.objects[kJobs + "/train"]["spec"], Json::parse(R"({"b": 2, "c": 3})"));
  Json named = Job();
  named.erase("spec");
  ASSERT_EQ(ErrorOf({{"action", "get"}, {"manifest", named}, {"results", {{"b", "spec.b"}}}}),
            "it is done");
  EXPECT_EQ(ReadText("results/values"), R"({"b":2})");
  ASSERT_EQ(ErrorOf({{"action", "delete"}, {"manifest", named}, {"interval", "1ms"}}),
            "it is done");
  EXPECT_TRUE(api_.objects.empty());
  EXPECT_EQ(ErrorOf({{"action", "delete"}, {"manifest", named}}), "it is done")
      << "it is gone already";
  EXPECT_THAT(ErrorOf({{"action", "get"}, {"manifest", named}}), HasSubstr("get Job team/train: "));
}

TEST_F(Kubernetes, AnObjectBelongsToTheRunWhereTheStepSaysSo) {
  ASSERT_EQ(ErrorOf({{"manifest", Job()}, {"setOwnerReference", true}}), "it is done");
  const Json owner = api_.objects[kJobs + "/train"]["metadata"]["ownerReferences"].at(0);
  EXPECT_EQ(owner["kind"], "PipelineRun");
  EXPECT_EQ(owner["name"], "first");
  EXPECT_EQ(owner["uid"], "run-uid");
  Json other = Job();
  other["metadata"]["namespace"] = "elsewhere";
  EXPECT_THAT(ErrorOf({{"manifest", other}, {"setOwnerReference", true}}),
              HasSubstr("does not stand in the run's namespace, team"));
}

TEST_F(Kubernetes, AStopDeletesWhatWasMadeWhereTheStepSaysSoAndOnlyThere) {
  for (const bool deletes : {true, false}) {
    std::stop_source stop;
    api_.on_get = [&](const std::string&, Json&, int) { stop.request_stop(); };
    const auto done = Run({{"manifest", Job()},
                           {"condition", "Complete"},
                           {"interval", "1ms"},
                           {"deleteOnCancel", deletes}},
                          stop.get_token());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kCancelled) << done.error().message;
    const std::scoped_lock lock(api_.mutex);
    EXPECT_EQ(api_.objects.contains(kJobs + "/train"), !deletes);
  }
}

TEST_F(Kubernetes, AStopWhileTheObjectIsMadeDeletesItToo) {
  for (const char* action : {"apply", "create"}) {
    std::stop_source stop;
    api_.on_write = [&] { stop.request_stop(); };
    const auto done =
        Run({{"action", action}, {"manifest", Job()}, {"deleteOnCancel", true}}, stop.get_token());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kCancelled) << done.error().message;
    const std::scoped_lock lock(api_.mutex);
    EXPECT_THAT(api_.calls, Contains("DELETE " + kJobs + "/train")) << action;
    EXPECT_FALSE(api_.objects.contains(kJobs + "/train")) << action;
    api_.calls.clear();
  }
}

TEST_F(Kubernetes, ASecondAttemptKnowsTheObjectOfTheFirst) {
  const Json ours{{"penstock.dev/made-by", "run-uid/train"}};
  for (const char* action : {"apply", "create"}) {
    api_.objects[kJobs + "/train"] = {
        {"metadata", {{"name", "train"}, {"uid", "u"}, {"annotations", ours}}}};
    EXPECT_EQ(ErrorOf({{"action", action}, {"manifest", Job()}, {"setOwnerReference", true}}),
              "it is done");
    std::stop_source stop;
    int looks = 0;
    api_.on_get = [&](const std::string&, Json&, int) {
      if (++looks == 2) stop.request_stop();
    };
    const auto done = Run({{"action", action},
                           {"manifest", Job()},
                           {"condition", "Complete"},
                           {"interval", "1ms"},
                           {"deleteOnCancel", true}},
                          stop.get_token());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kCancelled) << done.error().message;
    const std::scoped_lock lock(api_.mutex);
    EXPECT_FALSE(api_.objects.contains(kJobs + "/train")) << action;
    api_.on_get = {};
  }
}

TEST_F(Kubernetes, AnObjectThatWasThereBeforeTheRunIsNotGivenToIt) {
  api_.objects[kJobs + "/train"] = {
      {"metadata",
       {{"name", "train"},
        {"uid", "u"},
        {"annotations", {{"penstock.dev/made-by", "another-uid/train"}}}}}};
  EXPECT_THAT(ErrorOf({{"manifest", Job()}, {"setOwnerReference", true}}),
              HasSubstr("setOwnerReference: Job team/train was there before this run"));
  EXPECT_FALSE(api_.objects[kJobs + "/train"]["metadata"].contains("ownerReferences"));
  EXPECT_THAT(ErrorOf({{"action", "create"}, {"manifest", Job()}, {"setOwnerReference", true}}),
              HasSubstr("create Job team/train: "));
  api_.objects[kJobs + "/train"]["metadata"]["annotations"] = {
      {"penstock.dev/made-by", "run-uid/prepare"}};
  EXPECT_EQ(ErrorOf({{"manifest", Job()}, {"setOwnerReference", true}}), "it is done")
      << "another step of this run made it";
}

TEST_F(Kubernetes, AStopLeavesAnObjectThatWasThereBefore) {
  api_.objects[kJobs + "/train"] = {{"metadata", {{"name", "train"}, {"uid", "u"}}}};
  std::stop_source stop;
  api_.on_get = [&](const std::string&, Json&, int times) {
    if (times == 2) stop.request_stop();  // the first one looks whether it is there
  };
  const auto done = Run({{"manifest", Job()},
                         {"condition", "Complete"},
                         {"interval", "1ms"},
                         {"deleteOnCancel", true}},
                        stop.get_token());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kCancelled) << done.error().message;
  const std::scoped_lock lock(api_.mutex);
  EXPECT_TRUE(api_.objects.contains(kJobs + "/train"));
}

TEST_F(Kubernetes, TwoStepsThatApplyOneObjectAreTwoFieldManagers) {
  ASSERT_EQ(ErrorOf({{"manifest", Job()}}), "it is done");
  run_.step = "tune";
  ASSERT_EQ(ErrorOf({{"manifest", Job()}}), "it is done");
  run_ = {"first", "run-uid", "team", std::string(63, 'p'), std::string(63, 's')};
  ASSERT_EQ(ErrorOf({{"manifest", Job()}}), "it is done");
  const std::string apply = "PATCH " + kJobs + "/train?fieldManager=penstock-";
  EXPECT_THAT(api_.calls, Contains(apply + "flights-train"));
  EXPECT_THAT(api_.calls, Contains(apply + "flights-tune"));
  EXPECT_EQ(api_.calls.back().size(), apply.size() + 64) << "a longer name is cut to a digest";
}

TEST_F(Kubernetes, ANamespaceIsNoNamespacedObject) {
  const Json ns{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "data"}}}};
  ASSERT_EQ(ErrorOf({{"manifest", ns}}), "it is done");
  EXPECT_TRUE(api_.objects.contains("/api/v1/namespaces/data"));
}

TEST_F(Kubernetes, WhatASecretHoldsIsInNoArtifactAndNoResult) {
  Json secret{{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", "key"}}}};
  api_.objects["/api/v1/namespaces/team/secrets/key"] = {
      {"metadata",
       {{"name", "key"},
        {"uid", "u"},
        {"annotations", {{"kubectl.kubernetes.io/last-applied-configuration", "c2VjcmV0"}}}}},
      {"data", {{"token", "c2VjcmV0"}}}};
  EXPECT_EQ(ErrorOf({{"action", "get"},
                     {"manifest", secret},
                     {"successCondition", "has(data.token)"},
                     {"results", {{"who", "metadata.name"}}}}),
            "it is done")
      << "what it waits for may be there";
  EXPECT_THAT(ReadText("object"), Not(HasSubstr("c2VjcmV0")));
  EXPECT_EQ(ReadText("results/name"), "key");
  EXPECT_THAT(
      ErrorOf({{"action", "get"}, {"manifest", secret}, {"results", {{"token", "data.token"}}}}),
      HasSubstr("results.token"));
  secret["stringData"] = {{"token", "c2VjcmV0"}};
  EXPECT_EQ(ErrorOf({{"manifest", secret}}), "it is done");
  EXPECT_THAT(ReadText("object"), Not(HasSubstr("c2VjcmV0")));
}

TEST_F(Kubernetes, AManifestMayBeAFileOfOneObject) {
  std::ofstream(folder_ / "job.yaml")
      << "apiVersion: batch/v1\nkind: Job\nmetadata: {name: train}\n";
  inputs_["manifest"] = {(folder_ / "job.yaml").string(), "", "file"};
  ASSERT_EQ(ErrorOf(Json::object()), "it is done");
  EXPECT_TRUE(api_.objects.contains(kJobs + "/train"));
  EXPECT_THAT(ErrorOf({{"manifest", Job()}}), HasSubstr("as a parameter and as an input"));
  std::ofstream(folder_ / "job.yaml") << "a: 1\n---\nb: 2\n";
  EXPECT_THAT(ErrorOf(Json::object()), HasSubstr("holds 2 objects; a step is about one"));
}

TEST_F(Kubernetes, WhatCannotBeDoneIsRefusedByName) {
  EXPECT_THAT(ErrorOf(Json::object()), HasSubstr("manifest: is required"));
  Json job = Job();
  job["kind"] = "Jab";
  EXPECT_THAT(ErrorOf({{"manifest", job}}), HasSubstr("the cluster has no Jab in batch/v1"));
  job["apiVersion"] = "nothing/v1";
  EXPECT_THAT(ErrorOf({{"manifest", job}}), HasSubstr("the cluster has no nothing/v1"));
  job = Job();
  job["metadata"] = {{"generateName", "x-"}};
  EXPECT_THAT(ErrorOf({{"manifest", job}}), HasSubstr("manifest.metadata.name: is required"));
  EXPECT_THAT(ErrorOf({{"action", "delete"}, {"manifest", Job()}, {"condition", "Complete"}}),
              HasSubstr("an object that is deleted has none"));
  EXPECT_THAT(ErrorOf({{"action", "get"}, {"manifest", Job()}, {"deleteOnCancel", true}}),
              HasSubstr("deleteOnCancel: is for the actions apply and create"));
  EXPECT_THAT(ErrorOf({{"manifest", Job()}, {"successCondition", "statu > 1"}}),
              HasSubstr("successCondition: "));
}

TEST_F(Kubernetes, ALocalRunActsOnNoClusterThatNobodyNamed) {
  std::ofstream(folder_ / "config") << "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                                       "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
                                       "clusters: [{name: c, cluster: {server: \"https://h:1\"}}]\n"
                                       "users: [{name: u, user: {token: t}}]\n";
  fs::create_directories(folder_ / ".kube");
  fs::copy(folder_ / "config", folder_ / ".kube/config");
  EXPECT_THAT(ClusterOf({{"HOME", folder_}}, folder_ / "none").error().message,
              HasSubstr("say env KUBECONFIG in the step"));
  const auto named = ClusterOf({{"KUBECONFIG", folder_ / "config"}}, folder_ / "none");
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(named->server, "https://h:1");
  std::ofstream(folder_ / "token") << "t";
  std::ofstream(folder_ / "namespace") << "team";
  const auto pod = ClusterOf({{"HOME", folder_},
                              {"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                              {"KUBERNETES_SERVICE_PORT", "443"}},
                             folder_);
  ASSERT_TRUE(pod) << pod.error().message;
  EXPECT_EQ(pod->namespace_, "team");
}

}  // namespace
}  // namespace penstock::kubernetes
