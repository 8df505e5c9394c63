#include "operator/retention/cluster_references.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/plan/attempt/labels.h"
#include "operator/revisions/revision.h"

namespace penstock::retention {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

std::string DigestOf(const std::string& text) { return "sha256:" + Sha256Hex(text); }

// An API server that does not answer about one kind.
class FailingClient : public kube::ForwardingClient {
 public:
  explicit FailingClient(kube::Client& below) : ForwardingClient(below) {}
  std::string fails;  // plural

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType& type) override {
    if (type.plural == fails) return Transient("no answer");
    return {};
  }
};

class ClusterReferencesTest : public testing::Test {
 protected:
  ClusterReferencesTest() {
    std::string name = (fs::temp_directory_path() / "penstock-references-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ClusterReferencesTest() override { fs::remove_all(folder_); }

  [[nodiscard]] Result<std::set<std::string>> Named(const std::string& ns = "team") {
    ClusterReferences references(client_, metadata::Query(folder_ / "metadata.sqlite"), clock_,
                                 hours(24 * 30), "library");
    std::string all;
    const auto read =
        references.Each(ns, [&](std::string_view text) { all.append(text).append("\n"); }, {});
    if (!read) return read.error();
    std::set<std::string> found;
    for (std::size_t at = 0; (at = all.find("sha256:", at)) != all.npos; ++at)
      found.insert(all.substr(at, 71));
    return found;
  }
  // An object with the spec, and the status where it has one.
  void Make(const kube::ResourceType& type, const std::string& name, const Json& spec,
            const Json& status = {}, const std::string& ns = "team") {
    Json object{{"apiVersion", std::string(type.group.empty() ? "" : type.group) +
                                   (type.group.empty() ? "" : "/") + std::string(type.version)},
                {"kind", type.kind},
                {"metadata", {{"name", name}, {"namespace", ns}, {"labels", labels_}}},
                {"spec", spec}};
    auto made = cluster_.Create(type, ns, object);
    ASSERT_TRUE(made) << made.error().message;
    if (status.is_null()) return;
    (*made)["status"] = status;
    const auto updated = cluster_.Update(type, ns, name, *made, "status");
    ASSERT_TRUE(updated) << updated.error().message;
  }
  void Record(metadata::RunRecord run) {
    metadata::BatchRecorderOptions options;
    options.database = metadata::SqliteFile(folder_ / "metadata.sqlite");
    const auto recorder = metadata::BatchRecorder::Open(options, clock_);
    recorder->RecordRun(std::move(run));
    recorder->Flush();
  }
  [[nodiscard]] metadata::RunRecord EndedRun(const std::string& uid, hours ago) const {
    metadata::RunRecord run;
    run.uid = uid;
    run.namespace_ = "team";
    run.name = "run-" + uid;
    run.outcome = "Succeeded";
    run.created = run.started = run.finished = clock_.Now() - ago;
    return run;
  }

  const Json labels_{{plan::kLabelManaged, "true"}};
  SystemClock clock_;
  fs::path folder_;
  local::MemoryCluster cluster_{clock_};
  FailingClient client_{cluster_};
};

#define EXPECT_NAMED(text)                                        \
  do {                                                            \
    const auto named = Named();                                   \
    ASSERT_TRUE(named) << named.error().message;                  \
    EXPECT_TRUE(named->contains(DigestOf(text))) << "not " #text; \
  } while (false)

TEST_F(ClusterReferencesTest, ARunsInputsAreReferences) {
  Make(kube::kPipelineRuns, "r", {{"inputs", {{"data", DigestOf("input")}}}});
  EXPECT_NAMED("input");
}

TEST_F(ClusterReferencesTest, ARunsOutputsAreReferences) {
  Make(kube::kPipelineRuns, "r", Json::object(),
       {{"steps", {{{"name", "s"}, {"outputs", {{{"name", "o"}, {"digest", DigestOf("out")}}}}}}}});
  EXPECT_NAMED("out");
}

TEST_F(ClusterReferencesTest, TheTaskOfARunningAttemptIsAReference) {
  const Json pod{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata",
       {{"name", "p"},
        {"namespace", "team"},
        {"labels", labels_},
        {"annotations", {{"penstock.dev/task", "{\"a\":\"" + DigestOf("task") + "\"}"}}}}},
      {"spec", {{"containers", {{{"name", "step"}, {"image", "i"}}}}}}};
  ASSERT_TRUE(cluster_.Create(kube::kPods, "team", pod));
  EXPECT_NAMED("task");
}

TEST_F(ClusterReferencesTest, WhatARunIsPinnedToIsAReference) {
  const std::string text = Json{{"code", DigestOf("code")}}.dump();
  const auto revision = revisions::MakeRevision("team", text);
  ASSERT_TRUE(revision);
  ASSERT_EQ(revision->dump().find(DigestOf("code")), std::string::npos) << "it is compressed";
  ASSERT_TRUE(cluster_.Create(kube::kControllerRevisions, "team", *revision));
  EXPECT_NAMED("code");
}

TEST_F(ClusterReferencesTest, APipelinesPublishedOutputsAreReferences) {
  Make(kube::kPipelines, "p", {{"steps", Json::array()}},
       {{"outputs", {{{"name", "model"}, {"digest", DigestOf("published")}}}}});
  EXPECT_NAMED("published");
}

TEST_F(ClusterReferencesTest, APipelinesCodeIsAReference) {
  Make(kube::kPipelines, "p",
       {{"steps", {{{"container", {{"code", {{"artifact", DigestOf("step code")}}}}}}}}});
  EXPECT_NAMED("step code");
}

TEST_F(ClusterReferencesTest, AComponentIsAReferenceHereAndInTheLibrary) {
  Make(kube::kComponents, "c-1.0.0", {{"code", DigestOf("component")}});
  Make(kube::kComponents, "l-1.0.0", {{"code", DigestOf("library")}}, {}, "library");
  EXPECT_NAMED("component");
  EXPECT_NAMED("library");
}

TEST_F(ClusterReferencesTest, ARegisteredModelAndItsVersionsAreReferences) {
  Make(kube::kModels, "m", {{"description", "as " + DigestOf("model")}});
  Make(kube::kModelVersions, "m-1", {{"digest", DigestOf("version")}});
  EXPECT_NAMED("model");
  EXPECT_NAMED("version");
}

TEST_F(ClusterReferencesTest, AModelDeploymentIsAReferenceWithAllItsHistory) {
  Make(kube::kModelDeployments, "d", {{"model", DigestOf("served")}},
       {{"history", {{{"version", 1}, {"digest", DigestOf("undo")}}}}});
  EXPECT_NAMED("served");
  EXPECT_NAMED("undo");
}

TEST_F(ClusterReferencesTest, HistoryIsAReferenceForAsLongAsItIsKept) {
  for (const auto& [uid, ago] : {std::pair{"young", 24 * 29}, {"old", 24 * 31}}) {
    metadata::RunRecord run = EndedRun(uid, hours(ago));
    metadata::StepRecord step;
    step.name = "s";
    step.phase = "Succeeded";
    step.inputs.push_back({"in", "dataset", DigestOf(std::string(uid) + " in"), "", false, 1});
    step.outputs.push_back({"out", "model", DigestOf(std::string(uid) + " out"), "", true, 1});
    run.steps.push_back(step);
    run.object = Json{{"spec", DigestOf(std::string(uid) + " story")}}.dump();
    Record(run);
  }
  EXPECT_NAMED("young in");
  EXPECT_NAMED("young out");
  EXPECT_NAMED("young story");
  const auto named = Named();
  for (const char* gone : {"old in", "old out", "old story"})
    EXPECT_FALSE(named->contains(DigestOf(gone))) << gone;
}

TEST_F(ClusterReferencesTest, WhatAPastRunWasPinnedToIsAReference) {
  const auto revision = revisions::MakeRevision("team", Json{{"code", DigestOf("past")}}.dump());
  metadata::RunRecord run = EndedRun("u", hours(1));
  run.revision = revision->at("metadata").value("name", "");
  run.object = "{}";
  run.spec = revision->dump();
  Record(run);
  EXPECT_NAMED("past");
}

TEST_F(ClusterReferencesTest, WhatBelongsToAnotherNamespaceIsNone) {
  Make(kube::kPipelineRuns, "r", {{"inputs", {{"data", DigestOf("input")}}}}, {}, "other");
  EXPECT_FALSE(Named()->contains(DigestOf("input")));
  EXPECT_TRUE(Named("other")->contains(DigestOf("input")));
}

TEST_F(ClusterReferencesTest, OneKindThatCannotBeListedIsAnError) {
  for (const kube::ResourceType* type :
       {&kube::kPods, &kube::kPipelineRuns, &kube::kControllerRevisions, &kube::kPipelines,
        &kube::kComponents, &kube::kModels, &kube::kModelVersions, &kube::kModelDeployments}) {
    client_.fails = type->plural;
    const auto named = Named();
    ASSERT_FALSE(named) << type->plural;
    EXPECT_NE(named.error().message.find(std::string(type->plural)), std::string::npos);
  }
}

TEST_F(ClusterReferencesTest, ARevisionOfOursThatCannotBeReadIsAnError) {
  auto revision = *revisions::MakeRevision("team", "{}");
  revision["data"]["gzip"] = "AAAA";
  ASSERT_TRUE(cluster_.Create(kube::kControllerRevisions, "team", revision));
  EXPECT_FALSE(Named());
}

TEST_F(ClusterReferencesTest, ReadsPastTheFirstPage) {
  for (int i = 0; i < 45; ++i)
    Make(kube::kPipelineRuns, "r" + std::to_string(i), {{"d", DigestOf(std::to_string(i))}});
  const auto named = Named();
  for (int i = 0; i < 45; ++i) EXPECT_TRUE(named->contains(DigestOf(std::to_string(i)))) << i;
}

}  // namespace
}  // namespace penstock::retention
