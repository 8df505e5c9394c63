// Locks between runs over a cluster in memory: who goes first, who waits, whoever is killed,
// deleted or lost in between.
#include <gmock/gmock.h>

#include "operator/controllers/testing/one_step_runs.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Ending = FakeKubelet::Ending;

class EngineLocks : public OneStepRuns {
 protected:
  // A run of one step of the run's name, which hangs until Finish().
  void CreateLocked(const std::string& name, const std::string& locks = "locks: [{name: db}]") {
    kubelet_->Script(name, 1, Ending::kHang);
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec: {pipelineSpec: {steps: [{name: " + name +
               ", container: {image: tool, command: [work]}, " + locks + "}]}}\n");
  }
  Json AwaitRunning(const std::string& run) {
    return Await(kube::kPipelineRuns, run, "runs", [&](const Json& object) {
      return StepOf(object, run).value("phase", "") == "Running";
    });
  }
  // Until the step waits, with this in its message.
  Json AwaitLocked(const std::string& run, const std::string& says, const char* why = "Locked") {
    return Await(kube::kPipelineRuns, run, "waits: " + says, [&](const Json& object) {
      const Json step = StepOf(object, run);
      return step.value("reason", "") == why &&
             step.value("message", "").find(says) != std::string::npos;
    });
  }
  // A pod that takes its time to end when it is deleted, and then ends.
  void Hold(const std::string& pod) {
    Patch(kube::kPods, pod, {{"metadata", {{"finalizers", {"example.com/slow"}}}}});
  }
  void LetGo(const std::string& pod) {
    Patch(kube::kPods, pod, {{"metadata", {{"finalizers", nullptr}}}});
  }
  static Json LocksOf(const Json& run) { return run["status"].value("locks", Json::array()); }
};

TEST_F(EngineLocks, HoldASecondRunUntilTheFirstHasEnded) {
  StartEngine();
  CreateLocked("first");
  const Json first = AwaitRunning("first");
  ASSERT_THAT(LocksOf(first), SizeIs(1));
  EXPECT_EQ(LocksOf(first)[0]["held"], true);
  CreateLocked("second");
  AwaitLocked("second", "waits for the lock db, held by run first, step first");
  EXPECT_EQ(kubelet_->starts("second"), 0);
  EXPECT_TRUE(AwaitThat("one holds and one waits", [&] {
    const auto counts = engine_->locks();
    return counts.size() == 1 && counts[0].holders == 1 && counts[0].waiters == 1;
  }));
  kubelet_->Finish("first");
  EXPECT_THAT(LocksOf(AwaitFinished("first")), IsEmpty());
  AwaitRunning("second");
  kubelet_->Finish("second");
  EXPECT_EQ(ConditionOf(AwaitFinished("second"), "Succeeded"), "True");
  EXPECT_TRUE(AwaitThat("nobody holds it", [&] { return engine_->locks().empty(); }));
}

TEST_F(EngineLocks, GoToRunsInTheOrderInWhichTheyAsked) {
  StartEngine();
  CreateLocked("a");
  AwaitRunning("a");
  for (const char* name : {"d", "c", "b"}) {
    CreateLocked(name);
    AwaitLocked(name, "held by run a");
  }
  for (const char* name : {"a", "d", "c", "b"}) {
    AwaitRunning(name);
    kubelet_->Finish(name);
    AwaitFinished(name);
  }
  EXPECT_THAT(kubelet_->started(), ElementsAre("a/1", "d/1", "c/1", "b/1"));
}

TEST_F(EngineLocks, AreHeldAndWaitedForThroughARestart) {
  StartEngine();
  CreateLocked("first");
  AwaitRunning("first");
  CreateLocked("second");
  AwaitLocked("second", "held by run first");
  CreateLocked("third");
  AwaitLocked("third", "1 asked before");
  StartEngine();
  CreateLocked("fourth");
  AwaitLocked("fourth", "2 asked before");
  for (const char* name : {"first", "second", "third", "fourth"}) {
    AwaitRunning(name);
    kubelet_->Finish(name);
    AwaitFinished(name);
  }
  EXPECT_THAT(kubelet_->started(), ElementsAre("first/1", "second/1", "third/1", "fourth/1"));
}

TEST_F(EngineLocks, OfADeletedRunAreFreeWhenItsPodIsGone) {
  StartEngine();
  CreateLocked("first");
  AwaitRunning("first");
  const std::string pod = StepOf(Get(kube::kPipelineRuns, "first"), "first")["pod"];
  CreateLocked("second");
  AwaitLocked("second", "held by run first");
  Hold(pod);
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", "first", {}));
  AwaitLocked("second", "of the pod " + pod);
  EXPECT_EQ(kubelet_->starts("second"), 0);
  LetGo(pod);
  AwaitRunning("second");
}

// The pod is known by its annotation to a controller that comes after.
TEST_F(EngineLocks, OfADeletedRunAreFreeWhenItsPodIsGoneAfterARestartToo) {
  StartEngine();
  CreateLocked("first");
  AwaitRunning("first");
  const std::string pod = StepOf(Get(kube::kPipelineRuns, "first"), "first")["pod"];
  StopEngine();
  Hold(pod);
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", "first", {}));
  StartEngine();
  CreateLocked("second");
  AwaitLocked("second", "of the pod " + pod);
  LetGo(pod);
  AwaitRunning("second");
}

TEST_F(EngineLocks, OfACancelledRunGoToTheNext) {
  StartEngine();
  CreateLocked("first");
  AwaitRunning("first");
  const std::string pod = StepOf(Get(kube::kPipelineRuns, "first"), "first")["pod"];
  CreateLocked("second");
  AwaitLocked("second", "held by run first");
  Patch(kube::kPipelineRuns, "first", {{"spec", {{"cancel", "Now"}}}});
  AwaitFinished("first");
  AwaitRunning("second");
}

// Nobody knows what was held around it: it would run beside whoever has the lock now.
TEST_F(EngineLocks, AreNotGoneAroundByARunWhoseParentIsGone) {
  kubelet_->Script("orphan", 1, Ending::kHang);
  Create(kube::kPipelineRuns,
         "metadata: {name: orphan, labels: {penstock.dev/step: call}, ownerReferences: "
         "[{apiVersion: penstock.dev/v1alpha1, kind: PipelineRun, name: gone, uid: uid-of-gone, "
         "controller: true}]}\nspec: {pipelineSpec: {steps: [{name: orphan, container: {image: "
         "tool, command: [work]}}]}}\n");
  StartEngine();
  const Json run = AwaitFinished("orphan");
  EXPECT_EQ(StepOf(run, "orphan")["message"], "the run that this one is a step of is gone");
  EXPECT_THAT(kubelet_->started(), IsEmpty());
}

// The write finds it gone, so that the event of its end finds nothing that is known.
TEST_F(EngineLocks, OfARunThatAWriteFindsGoneGoToTheNext) {
  class Deleting : public kube::ForwardingClient {
   public:
    explicit Deleting(kube::Client& below) : ForwardingClient(below) {}
    Result<Json> Update(const kube::ResourceType& type, const std::string& ns,
                        const std::string& name, const Json& object, const std::string& subresource,
                        const kube::Call& call) override {
      const Json locks = object.value("status", Json::object()).value("locks", Json::array());
      if (name == "second" && !locks.empty() && locks[0].value("held", false))
        static_cast<void>(ForwardingClient::Delete(type, ns, name, {}, call));
      return ForwardingClient::Update(type, ns, name, object, subresource, call);
    }

   protected:
    Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }
  } deleting(cluster_);
  StartEngine(&deleting);
  CreateLocked("first");
  AwaitRunning("first");
  CreateLocked("second");
  AwaitLocked("second", "held by run first");
  CreateLocked("third");
  AwaitLocked("third", "1 asked before");
  kubelet_->Finish("first");
  AwaitRunning("third");
  EXPECT_EQ(kubelet_->starts("second"), 0);
  StopEngine();
}

TEST_F(EngineLocks, ComeInTheNumberThatTheConfigMapSays) {
  Create(kube::kConfigMaps, "metadata: {name: penstock-locks}\ndata: {gpu: \"2\"}\n");
  StartEngine();
  for (const char* name : {"a", "b"}) {
    CreateLocked(name, "locks: [{name: gpu}]");
    AwaitRunning(name);
  }
  CreateLocked("c", "locks: [{name: gpu}]");
  AwaitLocked("c", "waits for the lock gpu (2 may hold it), held by run ");
  Patch(kube::kConfigMaps, "penstock-locks", {{"data", {{"gpu", "many"}}}});
  AwaitLocked("c", "the ConfigMap penstock-locks says 'many'", "LockInvalid");
  Patch(kube::kConfigMaps, "penstock-locks", {{"data", {{"gpu", "1"}}}});
  AwaitLocked("c", "waits for the lock gpu, held by run a, step a; run b, step b");
  kubelet_->Finish("a");
  AwaitFinished("a");
  AwaitLocked("c", "waits for the lock gpu, held by run b");
  Patch(kube::kConfigMaps, "penstock-locks", {{"data", {{"gpu", "2"}}}});
  AwaitRunning("c");
  ASSERT_TRUE(cluster_.Delete(kube::kConfigMaps, "team", "penstock-locks", {}));
  CreateLocked("d", "locks: [{name: gpu}]");
  AwaitLocked("d", "waits for the lock gpu, held by run b");
}

TEST_F(EngineLocks, OfAWholeRunHoldBackAnotherOnesFirstStep) {
  StartEngine();
  const auto run = [&](const std::string& name) {
    kubelet_->Script(name, 1, Ending::kHang);
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec: {pipelineSpec: {locks: [{name: db}], steps: [" +
               "{name: " + name + ", container: {image: tool, command: [work]}}]}}\n");
  };
  run("first");
  AwaitRunning("first");
  run("second");
  AwaitLocked("second", "waits for the lock db, held by run first");
  kubelet_->Finish("first");
  AwaitRunning("second");
}

TEST_F(EngineLocks, OfAStepAreHeldAroundThePipelineThatItIs) {
  StartEngine();
  kubelet_->Script("inside", 1, Ending::kHang);
  Create(kube::kPipelineRuns,
         "metadata: {name: outer}\nspec: {pipelineSpec: {steps: [{name: outer, locks: [{name: "
         "db}], pipeline: {steps: [{name: inside, container: {image: tool, command: [x]}}]}}]}}\n");
  AwaitRunning("outer");
  ASSERT_TRUE(AwaitThat("the inner pod", [&] { return kubelet_->starts("inside") == 1; }));
  const auto pods = ListAll(kube::kPods);
  ASSERT_THAT(pods, SizeIs(1));
  const std::string uid = Get(kube::kPipelineRuns, "outer")["metadata"]["uid"];
  EXPECT_EQ(pods[0]["metadata"]["annotations"].value("penstock.dev/locks", ""),
            "[{\"by\":\"" + uid + "/outer/\",\"name\":\"db\"}]");
  CreateLocked("second");
  AwaitLocked("second", "held by run outer, step outer");
  kubelet_->Finish("inside");
  AwaitRunning("second");
}

// What the holder made is found in the cache by whoever waited for it.
TEST_F(EngineLocks, ThatWereWaitedForAreNotTakenForWhatTheHolderHasMade) {
  kubelet_->Script("first", 1, Ending::kHang);
  StartEngine();
  Create(
      kube::kPipelineRuns,
      "metadata: {name: first}\nspec: {pipelineSpec: {locks: [{name: db}], steps: [{name: first, "
      "container: {image: tool, command: [x]}}, " +
          Work("dependsOn: [{step: first}]") + "]}}\n");
  AwaitRunning("first");
  CreateRun("equal", "locks: [{name: db}]");
  AwaitReason("equal", "Locked");
  kubelet_->Finish("first");
  AwaitFinished("first");
  const Json equal = AwaitFinished("equal");
  EXPECT_EQ(StepOf(equal, "work").value("cached", false), true);
  EXPECT_EQ(kubelet_->starts("work"), 1);
}

// The process dies at its n-th write; in the second half the write is carried out all the same.
class LockKills : public EngineLocks, public ::testing::WithParamInterface<bool> {
 protected:
  [[nodiscard]] int Starts(const std::string& a, const std::string& b) const {
    return kubelet_->starts(a) + kubelet_->starts(b);
  }
};

TEST_P(LockKills, AtAnyWriteNeverGiveOneLockToTwoRuns) {
  for (int n = 0; n < 14; ++n) {
    const std::string a = "a" + std::to_string(n);
    const std::string b = "b" + std::to_string(n);
    KillSwitch kill(n, GetParam());
    MortalClient mortal(cluster_, kill);
    StartEngine(&mortal);
    CreateLocked(a);
    CreateLocked(b);
    AwaitThat("it is killed, or one runs and one waits", [&] {
      return kill.dead() || (Starts(a, b) == 1 && engine_->locks().size() == 1 &&
                             engine_->locks()[0].waiters == 1);
    });
    StartEngine();
    ASSERT_TRUE(AwaitThat("one runs", [&] { return Starts(a, b) >= 1; }));
    const std::string holds = kubelet_->starts(a) == 1 ? a : b;
    const std::string waits = holds == a ? b : a;
    AwaitLocked(waits, "held by run " + holds);
    EXPECT_EQ(Starts(a, b), 1) << "killed at write " << n;
    AwaitRunning(holds);
    kubelet_->Finish(holds);
    AwaitRunning(waits);
    kubelet_->Finish(waits);
    AwaitFinished(waits);
    AwaitFinished(holds);
    if (HasFailure()) return;
    StopEngine();
  }
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfter, LockKills, ::testing::Values(false, true),
                         [](const auto& info) {
                           return info.param ? "AnswerLost" : "NotCarriedOut";
                         });

// The API server has the status, and says that it has failed.
TEST_F(EngineLocks, AreNotGivenTwiceWhereTheAnswerToAStatusIsLost) {
  CreateLocked("first");
  CreateLocked("second");
  std::atomic<int> lost = 0;
  class Losing : public kube::ForwardingClient {
   public:
    Losing(kube::Client& below, std::atomic<int>& lost) : ForwardingClient(below), lost_(lost) {}
    Result<Json> Update(const kube::ResourceType& type, const std::string& ns,
                        const std::string& name, const Json& object, const std::string& subresource,
                        const kube::Call& call) override {
      auto done = ForwardingClient::Update(type, ns, name, object, subresource, call);
      if (object.value("status", Json::object()).contains("locks") && lost_++ < 3)
        return Transient("the answer is lost");
      return done;
    }

   protected:
    Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }

   private:
    std::atomic<int>& lost_;
  };
  Losing losing(cluster_, lost);
  StartEngine(&losing);
  ASSERT_TRUE(AwaitThat("one runs", [&] {
    return kubelet_->starts("first") + kubelet_->starts("second") >= 1 && lost >= 3;
  }));
  const std::string holds = kubelet_->starts("first") == 1 ? "first" : "second";
  const std::string waits = holds == "first" ? "second" : "first";
  AwaitLocked(waits, "held by run " + holds);
  EXPECT_EQ(kubelet_->starts("first") + kubelet_->starts("second"), 1);
  AwaitRunning(holds);
  kubelet_->Finish(holds);
  AwaitRunning(waits);
  StopEngine();
}

}  // namespace
}  // namespace penstock::controllers
