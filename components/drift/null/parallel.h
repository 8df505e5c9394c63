// Work on several threads whose answers do not depend on how many there are.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace penstock::drift {

// Calls `work` once for each of 0 .. count - 1, each call touching what belongs to its number only.
// `work` must not throw. Returns when all are done.
inline void ForEachParallel(int threads, std::size_t count,
                            const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  const std::size_t wanted = std::min(std::size_t(std::max(threads, 1)), count);
  for (std::size_t t = 1; t < wanted; ++t) others.emplace_back(run);
  run();
  for (std::thread& thread : others) thread.join();
}

}  // namespace penstock::drift
