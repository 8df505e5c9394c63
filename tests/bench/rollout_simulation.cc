// Simulated rollouts by the thousand, judged as the operator judges: one JSON line with how many
// were promoted and rolled back, and how many requests of the candidate that took.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <thread>

#include "operator/base/json.h"
#include "operator/plan/rollout/testing/simulation.h"

int main(int argc, char** argv) {
  using namespace penstock::rollout;
  CLI::App app("Simulates rollouts: --rollouts N of a candidate that answers as the flags say.");
  SimulatedTraffic traffic;
  traffic.slow_minutes = 0.2;
  int rollouts = 10'000;
  std::uint64_t seed = 1;
  double minutes = 120;
  app.add_option("--rollouts", rollouts, "how many")->capture_default_str();
  app.add_option("--seed", seed, "of the first; the others count on")->capture_default_str();
  app.add_option("--minutes", minutes, "most simulated minutes of a rollout")
      ->capture_default_str();
  app.add_option("--rate", traffic.requests_a_second, "requests a second")->capture_default_str();
  app.add_option("--stable-errors", traffic.stable.errors, "share of 5xx")->capture_default_str();
  app.add_option("--errors", traffic.candidate.errors, "of the candidate")->capture_default_str();
  app.add_option("--refusals", traffic.candidate.refusals, "share of 4xx of the candidate")
      ->capture_default_str();
  app.add_option("--median", traffic.candidate.median, "seconds, of the candidate; stable 0.01")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto spec = SimulatedSpec();
  std::vector<SimulatedEnd> ends(static_cast<std::size_t>(rollouts));
  {
    std::vector<std::jthread> threads;
    const unsigned many = std::max(1U, std::thread::hardware_concurrency());
    for (unsigned t = 0; t < many; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < ends.size(); i += many)
          ends[i] = SimulatedRollout(spec, traffic, seed + i).Run(60 * minutes);
      });
  }
  std::vector<std::int64_t> samples;
  std::map<std::string, int> reasons;
  int promoted = 0;
  for (const SimulatedEnd& end : ends) {
    promoted += end.move == Move::kPromote ? 1 : 0;
    if (end.move != Move::kRollBack) continue;
    samples.push_back(end.samples);
    ++reasons[end.why.substr(0, end.why.find(' '))];
  }
  std::sort(samples.begin(), samples.end());
  // Both tests have the errors 0.5 % / 4 / 2 / 2 (gates, steps, halves) and 1 %.
  const double fixed = traffic.candidate.errors > 0.01
                           ? FixedHorizonSamples(0.01, traffic.candidate.errors, 3.42, 2.33)
                           : 0;
  std::cout << penstock::Json({{"rollouts", rollouts},
                               {"promoted", promoted},
                               {"rolledBack", samples.size()},
                               {"reasons", reasons},
                               {"medianSamples", samples.empty() ? 0 : samples[samples.size() / 2]},
                               {"fixedHorizonSamples", fixed}})
                   .dump()
            << "\n";
  return 0;
}
