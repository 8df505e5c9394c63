// The ControllerRevisions that runs share: one of each content, made once, and removed when no run
// has named it for an hour.
#include "operator/revisions/revisions.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <atomic>
#include <chrono>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/revisions/revision.h"

namespace penstock::controllers {
namespace {

using revisions::KeptRevision;
using revisions::RevisionName;
using revisions::RevisionText;

using std::chrono::minutes;

class SteppedClock : public SystemClock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override { return now_; }
  void Pass(minutes time) { now_ += time; }

 private:
  std::chrono::steady_clock::time_point now_{std::chrono::hours(100)};
};

class SharedRevisions : public EngineTest {
 protected:
  static plan::ResolvedRun Content(const std::string& pipeline) {
    plan::ResolvedRun resolved;
    resolved.pipeline = pipeline;
    plan::ResolvedStep& step = resolved.steps.emplace_back();
    step.name = "a";
    step.container.image = "registry.example.com/tool:1";
    return resolved;
  }
  KeptRevision Keep(const std::string& pipeline) {
    auto kept = revisions_->Keep("team", Content(pipeline));
    EXPECT_TRUE(kept) << kept.error().message;
    return kept ? *kept : KeptRevision{};
  }
  int Sweep() {
    const auto removed = revisions_->Sweep({"team"});
    EXPECT_TRUE(removed) << removed.error().message;
    return removed ? *removed : -1;
  }
  // What the engine does every ten minutes; gives how many were removed.
  int SweepFor(minutes time) {
    int removed = 0;
    for (minutes passed{0}; passed < time; passed += minutes(10)) {
      stepped_.Pass(minutes(10));
      removed += Sweep();
    }
    return removed;
  }
  void RunThatNames(const std::string& revision) {
    Create(kube::kPipelineRuns, "metadata: {name: named}\nspec: {pipelineRef: {name: p}}");
    const Json status{{"status", {{"revision", revision}}}};
    const auto done = cluster_.MergePatch(kube::kPipelineRuns, "team", "named", status,
                                          {.subresource = "status"});
    ASSERT_TRUE(done) << done.error().message;
  }
  std::size_t Stored() { return ListAll(kube::kControllerRevisions).size(); }

  SteppedClock stepped_;
  std::unique_ptr<Revisions> revisions_ =
      std::make_unique<Revisions>(cluster_, stepped_, std::stop_token());
};

TEST_F(SharedRevisions, RunsOfOneContentShareOneObjectAndAnotherContentHasItsOwn) {
  const KeptRevision first = Keep("p"), second = Keep("p"), other = Keep("q");
  EXPECT_EQ(first.name, second.name);
  EXPECT_EQ(first.resolved, second.resolved) << "one in memory, too";
  EXPECT_NE(first.name, other.name);
  EXPECT_EQ(Stored(), 2U);
  for (const Json& revision : ListAll(kube::kControllerRevisions))
    EXPECT_FALSE(revision["metadata"].contains("ownerReferences"))
        << "a run that is deleted would take it from the others";
}

TEST_F(SharedRevisions, OneThatStoodAMomentAgoCostsNoRequest) {
  Keep("p");
  std::atomic<int> requests = 0;
  const Interception counting(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.type.plural == "controllerrevisions") ++requests;
    return std::nullopt;
  });
  Keep("p");
  EXPECT_EQ(requests, 0);
}

TEST_F(SharedRevisions, OneThatSomebodyDeletedIsMadeAgainForLaterRuns) {
  const std::string name = Keep("p").name;
  ASSERT_TRUE(cluster_.Delete(kube::kControllerRevisions, "team", name, {}));
  stepped_.Pass(minutes(1));
  Keep("p");
  EXPECT_EQ(Stored(), 1U);
}

TEST_F(SharedRevisions, OneThatAnotherZlibWroteIsTheSame) {
  const std::string text = RevisionText(Content("p"));
  Json object = revisions::MakeRevision("team", text).value();
  std::string gzip(1024, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, Z_NO_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
            Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(gzip.data());
  stream.avail_out = static_cast<uInt>(gzip.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  gzip.resize(stream.total_out);
  deflateEnd(&stream);
  ASSERT_NE(object["data"]["gzip"], EncodeBase64(gzip));
  object["data"]["gzip"] = EncodeBase64(gzip);
  ASSERT_TRUE(cluster_.Create(kube::kControllerRevisions, "team", object));
  Keep("p");
  EXPECT_EQ(Stored(), 1U);
}

TEST_F(SharedRevisions, AnotherObjectOfTheNameIsNotTakenForIt) {
  const std::string name = RevisionName(RevisionText(Content("p")));
  Create(kube::kControllerRevisions, "metadata: {name: " + name + "}\nrevision: 1\ndata: {a: b}");
  const auto kept = revisions_->Keep("team", Content("p"));
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().kind, ErrorKind::kAlreadyExists);
  EXPECT_THAT(kept.error().message, testing::HasSubstr(name));
}

TEST_F(SharedRevisions, OneThatARunNamesStays) {
  RunThatNames(Keep("p").name);
  EXPECT_EQ(SweepFor(minutes(300)), 0);
  EXPECT_EQ(Stored(), 1U);
}

TEST_F(SharedRevisions, OneThatNoRunNamesIsRemovedAfterAnHourAndNotBefore) {
  Keep("p");
  EXPECT_EQ(SweepFor(minutes(110)), 0) << "an hour since its use, and one since it was found";
  EXPECT_EQ(SweepFor(minutes(30)), 1);
  EXPECT_EQ(Stored(), 0U);
  EXPECT_EQ(Keep("p").name, RevisionName(RevisionText(Content("p"))));
  EXPECT_EQ(Stored(), 1U) << "and made again when a run needs it";
}

TEST_F(SharedRevisions, TheHourBeginsAnewWithANewProcess) {
  Keep("p");
  EXPECT_EQ(SweepFor(minutes(110)), 0);
  revisions_ = std::make_unique<Revisions>(cluster_, stepped_, std::stop_token());
  EXPECT_EQ(SweepFor(minutes(60)), 0) << "the runs of the one before may not be written yet";
  EXPECT_EQ(SweepFor(minutes(20)), 1);
}

TEST_F(SharedRevisions, ARunWhoseStatusIsNotWrittenYetKeepsItsRevision) {
  const std::string name = Keep("p").name;
  for (int i = 0; i < 30; ++i) {
    revisions_->Touch("team", name);
    EXPECT_EQ(SweepFor(minutes(10)), 0);
  }
}

TEST_F(SharedRevisions, OneThatIsTakenWhileItIsRemovedIsNotTrusted) {
  Keep("p");
  std::optional<Error> meanwhile;
  {
    const Interception during(cluster_, [&](const local::Request& request) -> std::optional<Error> {
      if (request.verb != "delete") return std::nullopt;
      const auto kept = revisions_->Keep("team", Content("p"));
      if (!kept) meanwhile = kept.error();
      return std::nullopt;
    });
    EXPECT_EQ(SweepFor(minutes(150)), 1);
  }
  ASSERT_TRUE(meanwhile) << "it was taken, and then removed";
  EXPECT_EQ(meanwhile->kind, ErrorKind::kTransient);
  Keep("p");
  EXPECT_EQ(Stored(), 1U);
}

TEST_F(SharedRevisions, ObjectsOfOthersAndOfOlderReleasesAreLeftAlone) {
  Create(kube::kControllerRevisions,
         "metadata: {name: penstock-database-1, labels: {app: database}}\nrevision: 1\ndata: {}");
  Create(kube::kControllerRevisions,
         "metadata: {name: old-run-1234567890, labels: {penstock.dev/managed: \"true\"}}\n"
         "revision: 1\ndata: {}");
  EXPECT_EQ(SweepFor(minutes(300)), 0);
  EXPECT_EQ(Stored(), 2U);
}

TEST_F(SharedRevisions, ListsThatFailRemoveNothing) {
  Keep("p");
  const Interception refusing(cluster_, [](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "list" || request.type.plural != "pipelineruns") return std::nullopt;
    return Transient("the API server is away");
  });
  for (int i = 0; i < 30; ++i) {
    stepped_.Pass(minutes(10));
    EXPECT_FALSE(revisions_->Sweep({"team"}));
  }
  EXPECT_EQ(Stored(), 1U);
}

}  // namespace
}  // namespace penstock::controllers
