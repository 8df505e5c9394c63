// What a visit of a large run costs: all of its steps are planned, so it must be in proportion to
// them and no more. The shape is that of tests/bench/scale.py: layers, each step after one before.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

class ScaleWorld : public RunWorld {
 public:
  explicit ScaleWorld(int steps) : RunWorld(Graph(steps)), steps_(steps) {}

  // Until half of the steps have ended; then a layer's pods go on.
  void GoHalfWay() {
    std::size_t ended = 0;
    while (ended < static_cast<std::size_t>(steps_) / 2) {
      Step();
      ASSERT_GT(o.pods.size(), ended) << "nothing is started";
      for (; ended < o.pods.size(); ++ended) {
        PodFact& pod = o.pods[ended];
        Run(pod);
        Succeed(pod);
      }
    }
    Step();
  }

  // The least of some visits, in seconds of this thread's CPU: others use the machine too.
  double Visit() {
    double least = 1e9;
    for (int i = 0; i < 5; ++i) {
      const double begin = ThreadCpu();
      const RunPlan planned = PlanRun(o, settings, now);
      const double took = ThreadCpu() - begin;
      EXPECT_FALSE(planned.status.steps.empty());
      least = std::min(least, took);
    }
    return least;
  }

 private:
  static double ThreadCpu() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
  }
  static std::string Graph(int steps) {
    const int width = std::max(10, steps / 50);
    std::string spec = "defaults: {cache: {enabled: false}}\nsteps:\n";
    for (int i = 0; i < steps; ++i)
      spec += "- {name: s" + std::to_string(i) + ", container: {image: tool, command: [x]}" +
              (i < width ? "" : ", dependsOn: [{step: s" + std::to_string(i - width) + "}]") +
              "}\n";
    return spec;
  }
  const int steps_;
};

TEST(RunOfThousandsOfSteps, CostsAVisitInProportionToItsSteps) {
  ScaleWorld small(400), large(4'000);
  small.GoHalfWay();
  large.GoHalfWay();
  if (HasFatalFailure()) return;
  const double of_small = small.Visit(), of_large = large.Visit();
  std::printf("a visit of 400 steps: %.2f ms; of 4,000: %.2f ms\n", of_small * 1e3, of_large * 1e3);
  EXPECT_LT(of_large, 30 * of_small);
}

}  // namespace
}  // namespace penstock::plan
