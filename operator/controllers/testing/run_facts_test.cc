// Facts about a run by themselves: pools that run nothing until the test says so, and a clock that
// stands still.
#include "operator/controllers/run_facts.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <deque>
#include <fstream>
#include <utility>

#include "operator/artifacts/tree.h"
#include "operator/base/json.h"
#include "operator/controllers/model_deployment_controller.h"
#include "operator/controllers/router_controller.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/revisions/revision.h"

namespace penstock::controllers {
namespace {

using namespace std::chrono_literals;

class StandingClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return TimePoint(1'700'000'000s) + passed_; }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(1'000s) + passed_;
  }
  void Pass(Milliseconds time) { passed_ += time; }

 private:
  Milliseconds passed_{0};
};

class FactsOfARun : public ::testing::Test {
 protected:
  FactsOfARun() {
    std::string name = (std::filesystem::temp_directory_path() / "penstock-facts-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    store_ = std::make_unique<artifacts::Store>(folder_ / "store");
    context_.emplace(Context{cluster_,
                             *store_,
                             no_history_,
                             clock_,
                             settings_,
                             snapshots_,
                             Keep(),
                             KeepFor(),
                             KeepFor(),
                             fingerprints_,
                             revisions_,
                             [](const EventNote&) {},
                             [this](const std::string& line) { said_.push_back(line); },
                             [](Milliseconds) {},
                             {},
                             no_limit_});
    facts_ = std::make_shared<RunFacts>(*context_, ObjectKey{"team", "second"}, "uid-2",
                                        [this](Milliseconds after) { woken_.push_back(after); });
  }
  ~FactsOfARun() override { static_cast<void>(artifacts::RemoveTree(folder_)); }

  Submit Keep() {
    return [this](std::function<void()> work) { waiting_.push_back(std::move(work)); };
  }
  SubmitFor KeepFor() {
    return [this](const std::string&, std::function<void()> work) {
      waiting_.push_back(std::move(work));
    };
  }
  void RunAll() {
    while (!waiting_.empty()) {
      const auto work = std::move(waiting_.front());
      waiting_.pop_front();
      work();
    }
  }
  void AskForCache(const std::string& key) {
    plan::FactRequests requests;
    requests.cache_keys = {key};
    facts_->Ask(requests);
  }
  plan::RunObserved Seen() const {
    plan::RunObserved observed;
    facts_->CopyTo(observed);
    tries_.CopyTo(observed);
    return observed;
  }
  // Another run's pod that makes what the key names.
  void PutMaker(const std::string& key) {
    PodEntry pod;
    pod.run = {"team", "first"};
    pod.run_uid = "uid-1";
    pod.fact.name = "first-a-1";
    pod.fact.uid = "pod-1";
    pod.fact.step = "a";
    pod.fact.cache_key = key;
    pod.fact.phase = plan::PodPhase::kRunning;
    ASSERT_FALSE(snapshots_.pods.Put(pod, PodTable::Source::kInformer, clock_));
  }

  StandingClock clock_;
  local::MemoryCluster cluster_{clock_};
  std::filesystem::path folder_;
  std::unique_ptr<artifacts::Store> store_;
  metadata::NullRecorder no_history_;
  Settings settings_;
  Snapshots snapshots_;
  sources::Fingerprints fingerprints_{{}, clock_};
  Revisions revisions_{cluster_, clock_, {}};
  runtime::RateLimit no_limit_{0};
  std::optional<Context> context_;
  std::deque<std::function<void()>> waiting_;
  std::vector<Milliseconds> woken_;
  std::vector<std::string> said_;
  std::shared_ptr<RunFacts> facts_;
  PodTries tries_{clock_};
};

// A run as `kubectl get` shows it, of one that may have ended.
Json RunNamed(const std::string& uid, bool ended) {
  Json run{{"apiVersion", "penstock.dev/v1alpha1"},
           {"kind", "PipelineRun"},
           {"metadata", {{"name", "first"}, {"namespace", "team"}, {"uid", uid}}},
           {"spec", {{"pipelineRef", {{"name", "p"}}}}},
           {"status", {{"revision", "gone"}}}};
  run["status"]["conditions"] = {{{"type", "Finished"},
                                  {"status", ended ? "True" : "False"},
                                  {"reason", "x"},
                                  {"message", ""},
                                  {"lastTransitionTime", "2026-11-28T05:30:00Z"}}};
  return run;
}

void SetEnded(kube::Client& client, bool ended) {
  const auto set =
      client.MergePatch(kube::kPipelineRuns, "team", "first",
                        {{"status", RunNamed("", ended)["status"]}}, {.subresource = "status"});
  EXPECT_TRUE(set) << set.error().message;
}

TEST_F(FactsOfARun, AFormerRunThatGoesOnIsLookedAtAgain) {
  ASSERT_TRUE(cluster_.Create(kube::kPipelineRuns, "team", RunNamed("", false)));
  SetEnded(cluster_, false);
  EXPECT_FALSE(facts_->Former("first"));
  RunAll();
  auto answer = facts_->Former("first");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, "run first has not ended: cancel it, or wait for its end");
  EXPECT_FALSE(answer->for_good);
  facts_->ForgetErrors();
  SetEnded(cluster_, true);
  EXPECT_FALSE(facts_->Former("first"));
  RunAll();
  answer = facts_->Former("first");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, "");
}

TEST_F(FactsOfARun, AFormerRunIsNotMadeOfWhatAnEarlierOneOfItsNameWas) {
  ASSERT_TRUE(cluster_.Create(kube::kPipelineRuns, "team", RunNamed("", true)));
  SetEnded(cluster_, true);
  const Json made = cluster_.Get(kube::kPipelineRuns, "team", "first").value();
  std::string uid = "an-earlier-one";
  std::optional<Error> trouble;
  settings_.story_of = [&](const std::string&, const std::string&) -> Result<metadata::Story> {
    if (trouble) return *trouble;
    plan::ResolvedRun resolved;
    resolved.pipeline = "p";
    resolved.steps.emplace_back().name = "work";
    resolved.steps[0].container.image = "tool:1";
    resolved.steps[0].container.command = {"work"};
    return metadata::Story{
        RunNamed(uid, true),
        revisions::MakeRevision("team", revisions::RevisionText(resolved)).value()};
  };
  const auto ask = [&] {
    const auto facts = std::make_shared<RunFacts>(*context_, ObjectKey{"team", "second"}, "uid-2",
                                                  [](Milliseconds) {});
    EXPECT_FALSE(facts->Former("first"));
    RunAll();
    return facts->Former("first");
  };
  trouble = Error{ErrorKind::kTransient, "the disk is away"};
  EXPECT_FALSE(ask()) << "it is tried again";
  trouble.reset();
  auto answer = ask();
  ASSERT_TRUE(answer);
  ASSERT_TRUE(answer->former) << answer->error;
  EXPECT_EQ(answer->former->resolved, nullptr);
  uid = made["metadata"]["uid"];
  answer = ask();
  ASSERT_TRUE(answer && answer->former);
  EXPECT_NE(answer->former->resolved, nullptr);
}

// Else a collection that has decided before would take what the run goes on with.
TEST_F(FactsOfARun, PutToUseWhatTheyFind) {
  const auto put = [&](const std::string& text) {
    std::ofstream(folder_ / "file") << text;
    const ArtifactRef made = store_->Put("team", folder_ / "file").value();
    std::filesystem::last_write_time(*store_->BlobPath("team", made.digest),
                                     std::filesystem::file_time_type::clock::now() - 48h);
    return made;
  };
  const auto may_go = [&](const ArtifactRef& artifact) {
    return store_->objects()
        .RemoveUnused(artifacts::BlobKey("team", artifact.digest),
                      std::chrono::system_clock::now() - 24h)
        .value();
  };
  const ArtifactRef output = put("output"), input = put("input"), other = put("other");
  Receipt receipt;
  receipt.outputs.push_back({"o", "file", output});
  const std::string key(64, 'a');
  ASSERT_TRUE(store_->PutCacheEntry("team", key, receipt));
  AskForCache(key);
  plan::FactRequests requests;
  requests.artifacts = {input.digest};
  facts_->Ask(requests);
  RunAll();
  ASSERT_TRUE(Seen().cache.at(key).hit);
  EXPECT_FALSE(may_go(output));
  EXPECT_FALSE(may_go(input));
  EXPECT_TRUE(may_go(other));
}

TEST_F(FactsOfARun, AskForNoVisitWhileALookAtAFollowedRunIsUnderWay) {
  PutMaker("key");
  AskForCache("key");
  RunAll();
  ASSERT_EQ(Seen().cache.at("key").following_run, "first/a");
  plan::FactRequests follows;
  follows.followed_keys = {"key"};
  EXPECT_EQ(facts_->NextLook(follows.followed_keys), settings_.follow_interval);
  clock_.Pass(settings_.follow_interval);
  facts_->Ask(follows);
  EXPECT_EQ(waiting_.size(), 1U);
  EXPECT_EQ(facts_->NextLook(follows.followed_keys), std::nullopt) << "its answer wakes the run";
  clock_.Pass(10s);  // the store is slow
  facts_->Ask(follows);
  EXPECT_EQ(waiting_.size(), 1U);
  EXPECT_EQ(facts_->NextLook(follows.followed_keys), std::nullopt);
  RunAll();
  EXPECT_EQ(facts_->NextLook(follows.followed_keys), settings_.follow_interval);
  EXPECT_EQ(facts_->NextLook({}), std::nullopt) << "nobody follows it any more";
}

TEST_F(FactsOfARun, FollowAnotherRunForAsLongAsThePlanDoes) {
  PutMaker("key");
  AskForCache("key");
  RunAll();
  const TimePoint since = clock_.Now();
  plan::FactRequests follows;
  follows.followed_keys = {"key"};
  for (int i = 0; i < 3; ++i) {
    clock_.Pass(1h);
    facts_->Ask(follows);
    RunAll();
  }
  EXPECT_EQ(Seen().cache.at("key").following_run, "first/a");
  EXPECT_EQ(Seen().cache.at("key").following_since, since);
}

TEST_F(FactsOfARun, CountNoWaitForAnotherRunWhileNobodyFollowsIt) {
  PutMaker("key");
  AskForCache("key");
  RunAll();
  plan::FactRequests follows;
  follows.followed_keys = {"key"};
  facts_->Ask(follows);
  clock_.Pass(3s);
  facts_->Ask({});  // the run is suspended
  clock_.Pass(1h);
  facts_->Ask(follows);
  EXPECT_EQ(Seen().cache.at("key").following_since, clock_.Now() - 3s);
  clock_.Pass(4s);
  EXPECT_EQ(Seen().cache.at("key").following_since, clock_.Now() - 7s);
}

TEST_F(FactsOfARun, KeepWhatIsInTheWayOfAnAnswerToThatAnswerAndSayItOnce) {
  const std::string bad(64, 'b'), good(64, 'a');
  // What reads as no file and as no absence, as a disk that fails.
  std::filesystem::create_directories(folder_ / "store" / "team" / "cache" / "bb" / bad);
  for (int i = 0; i < 2; ++i) {
    AskForCache(bad);
    AskForCache(good);
    RunAll();
    EXPECT_TRUE(Seen().store_trouble.contains(bad));
    EXPECT_FALSE(Seen().store_trouble.contains(good));
    EXPECT_FALSE(Seen().cache.contains(bad));
  }
  EXPECT_EQ(said_.size(), 1U);
  std::filesystem::remove(folder_ / "store" / "team" / "cache" / "bb" / bad);
  AskForCache(bad);
  RunAll();
  EXPECT_TRUE(Seen().store_trouble.empty());
  EXPECT_FALSE(Seen().cache.at(bad).hit);
}

TEST_F(FactsOfARun, CountARefusalFromTheFirstAnswerThatIsOne) {
  tries_.RefuseCreate("pod", Transient("connection refused"));
  clock_.Pass(1h);
  EXPECT_EQ(Seen().create_errors.at("pod").since, clock_.Now()) << "nothing is counted";
  tries_.RefuseCreate("pod", {ErrorKind::kQuota, "exceeded quota"});
  const TimePoint since = clock_.Now();
  clock_.Pass(20s);
  tries_.RefuseCreate("pod", {ErrorKind::kQuota, "exceeded quota"});
  EXPECT_EQ(Seen().create_errors.at("pod").since, since);
  tries_.RefuseCreate("pod", Transient("connection refused"));
  clock_.Pass(1h);
  tries_.RefuseCreate("pod", {ErrorKind::kForbidden, "no"});
  clock_.Pass(5s);
  EXPECT_EQ(Seen().create_errors.at("pod").since, clock_.Now() - 25s);
}

TEST_F(FactsOfARun, CountNoRefusalWhileNobodyAsksForThePod) {
  tries_.RefuseCreate("pod", {ErrorKind::kForbidden, "no"});
  clock_.Pass(3s);
  tries_.RestAllBut({"another"});  // the run is suspended
  clock_.Pass(1h);
  tries_.RestAllBut({"pod"});  // and goes on
  EXPECT_EQ(Seen().create_errors.at("pod").since, clock_.Now() - 3s);
  tries_.RefuseCreate("pod", {ErrorKind::kForbidden, "no"});
  tries_.RestAllBut({"pod"});
  clock_.Pass(4s);
  EXPECT_EQ(Seen().create_errors.at("pod").since, clock_.Now() - 7s);
}

TEST_F(FactsOfARun, WaitAsTheApiServerSaysWithoutCountingARefusalAnew) {
  tries_.RefuseCreate("pod", {ErrorKind::kQuota, "exceeded quota"});
  const TimePoint since = clock_.Now();
  EXPECT_EQ(Seen().create_errors.at("pod").next_try, since + 1s);
  clock_.Pass(1s);
  tries_.RefuseCreate("pod", {ErrorKind::kQuota, "exceeded quota", 40s});
  EXPECT_EQ(Seen().create_errors.at("pod").next_try, since + 41s);
  EXPECT_EQ(Seen().create_errors.at("pod").since, since);
}

TEST_F(FactsOfARun, SendADeleteAgainAfterItsGraceAndARefusedOneAfterAPause) {
  const plan::DeletePod gentle{"pod", "uid", 30}, at_once{"pod", "uid", 0};
  tries_.NoteDelete(gentle, std::nullopt);
  EXPECT_EQ(Seen().deletes.at("uid").next_try, clock_.Now() + 30s);
  tries_.NoteDelete(at_once, Error{ErrorKind::kForbidden, "no"});
  EXPECT_EQ(Seen().deletes.at("uid").next_try, clock_.Now() + 1s);
  EXPECT_EQ(Seen().deletes.at("uid").grace_seconds, 0);
  tries_.NoteDelete(at_once, Error{ErrorKind::kForbidden, "no"});
  EXPECT_EQ(Seen().deletes.at("uid").next_try, clock_.Now() + 2s);
  EXPECT_EQ(Seen().deletes.at("uid").refused->message, "no");
}

// What an item of "each" gave: a folder.
Receipt OfItem(const std::string& digest) {
  Receipt receipt;
  receipt.run_uid = "uid-2";
  receipt.step = "each";
  receipt.pod = "second-each-0-1";
  receipt.item_index = 0;
  receipt.outputs = {{"o", "dataset", {digest, true, 7}}};
  return receipt;
}

// It was looked for again and again, and the run stood.
TEST_F(FactsOfARun, AFolderThatIsLostOrDamagedEndsWhatIsGatheredWithAReason) {
  auto run = std::make_shared<plan::ResolvedRun>();
  run->steps.emplace_back().name = "each";
  run->steps[0].outputs.emplace_back().name = "o";
  plan::FactRequests requests;
  requests.gathers = {{"each", run, 1, "0"}};
  const auto gather = [&](const std::string& digest) {
    ASSERT_TRUE(store_->PutReceipt("team", OfItem(digest)));
    facts_->Ask(requests);
    RunAll();
  };
  gather("sha256:" + std::string(64, 'd'));
  ASSERT_TRUE(Seen().gathered.contains("each"));
  EXPECT_NE(Seen().gathered.at("each")->failed.find("output 'o'"), std::string::npos);
  EXPECT_NE(Seen().gathered.at("each")->failed.find("start the run again"), std::string::npos);
  EXPECT_TRUE(Seen().store_trouble.empty());
  EXPECT_EQ(woken_.back(), Milliseconds{0});
  std::filesystem::create_directory(folder_ / "out");
  std::ofstream(folder_ / "out" / "a") << "1";
  const auto put = store_->Put("team", folder_ / "out");
  ASSERT_TRUE(put);
  gather(put->digest);
  EXPECT_EQ(Seen().gathered.at("each")->failed, "");
  const auto manifest = store_->BlobPath("team", put->digest);
  ASSERT_TRUE(manifest);
  std::filesystem::remove(*manifest);
  std::ofstream(*manifest) << "no manifest";
  gather(put->digest);
  EXPECT_NE(Seen().gathered.at("each")->failed.find("start the run again"), std::string::npos);
}

TEST_F(FactsOfARun, SayThatWhatAnItemGaveCannotBeKeptAndGatherAllTheSame) {
  std::filesystem::remove_all(folder_ / "store");
  std::ofstream(folder_ / "store") << "what is there when its volume is not mounted";
  facts_->Keep(OfItem("sha256:" + std::string(64, 'd')));
  RunAll();
  EXPECT_NE(Seen().store_trouble["each"].find("what item second-each-0-1 gave"), std::string::npos);
  EXPECT_EQ(woken_.back(), settings_.retry_fact_after);
  std::filesystem::remove(folder_ / "store");
  auto run = std::make_shared<plan::ResolvedRun>();
  run->steps.emplace_back().name = "each";
  plan::FactRequests requests;
  requests.gathers = {{"each", run, 0, ""}};
  facts_->Ask(requests);
  RunAll();
  EXPECT_TRUE(Seen().gathered.contains("each"));
  EXPECT_TRUE(Seen().store_trouble.empty());
}

TEST_F(FactsOfARun, TellAStoreThatCannotBeAskedForAnArtifactAndCountNoTimeOfIt) {
  const std::string digest = "sha256:" + std::string(64, 'd');
  plan::FactRequests requests;
  requests.artifacts = {digest};
  const auto ask = [&] {
    facts_->Ask(requests);
    RunAll();
  };
  ask();
  ASSERT_FALSE(Seen().artifacts.at(digest).artifact);
  EXPECT_FALSE(Seen().store_trouble.contains(digest));
  clock_.Pass(5s);
  EXPECT_EQ(Seen().artifacts.at(digest).missing_since, clock_.Now() - 5s);
  std::filesystem::remove_all(folder_ / "store");
  std::ofstream(folder_ / "store") << "what is there when its volume is not mounted";
  ask();
  EXPECT_TRUE(Seen().store_trouble.contains(digest));
  clock_.Pass(1h);
  EXPECT_EQ(Seen().artifacts.at(digest).missing_since, clock_.Now() - 5s);
  std::filesystem::remove(folder_ / "store");
  ask();
  EXPECT_FALSE(Seen().store_trouble.contains(digest));
  clock_.Pass(2s);
  EXPECT_EQ(Seen().artifacts.at(digest).missing_since, clock_.Now() - 7s);
  facts_->Ask({});  // the run is suspended
  clock_.Pass(1h);
  EXPECT_EQ(Seen().artifacts.at(digest).missing_since, clock_.Now() - 7s);
}

TEST_F(FactsOfARun, LookForADigestOnceForAllModelDeploymentsThatServeIt) {
  std::vector<std::string> woken;
  RouterController routers(
      *context_, nullptr, [](const std::string&, Milliseconds) {}, [](const std::string&) {});
  ModelDeploymentController models(
      *context_, routers, [&](const std::string& key, Milliseconds) { woken.push_back(key); });
  for (const char* name : {"one", "two"}) {
    Known<api::ModelDeployment> md;
    md.meta.namespace_ = "team";
    md.meta.name = md.meta.uid = name;
    md.spec.model = "sha256:" + std::string(64, 'd');
    snapshots_.model_deployments.Put(md);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(models.Reconcile("team/" + std::string(name)));
  }
  EXPECT_EQ(waiting_.size(), 1U);
  RunAll();
  EXPECT_EQ(woken, (std::vector<std::string>{"team/one", "team/two"}));
}

}  // namespace
}  // namespace penstock::controllers
