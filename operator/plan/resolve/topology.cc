#include "operator/plan/resolve/topology.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace penstock::plan {

std::vector<std::size_t> TopologicalOrder(const Graph& edges) {
  std::vector<std::size_t> missing(edges.size());
  std::vector<std::vector<std::size_t>> dependents(edges.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    missing[i] = edges[i].size();
    for (std::size_t d : edges[i]) dependents[d].push_back(i);
    if (edges[i].empty()) ready.push(i);
  }
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    const std::size_t next = ready.top();
    ready.pop();
    order.push_back(next);
    for (std::size_t d : dependents[next])
      if (--missing[d] == 0) ready.push(d);
  }
  if (order.size() != edges.size()) order.clear();
  return order;
}

std::vector<std::size_t> FindCycle(const Graph& edges) {
  // Drop what can be ordered; from any node that is left, walking to a node that is left must meet
  // itself. Without recursion: a chain of 5,000 steps is a legal graph.
  std::vector<std::size_t> missing(edges.size());
  std::vector<std::vector<std::size_t>> dependents(edges.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    missing[i] = edges[i].size();
    for (std::size_t d : edges[i]) dependents[d].push_back(i);
    if (edges[i].empty()) ready.push_back(i);
  }
  while (!ready.empty()) {
    const std::size_t next = ready.back();
    ready.pop_back();
    for (std::size_t d : dependents[next])
      if (--missing[d] == 0) ready.push_back(d);
  }
  const auto start = std::find_if(missing.begin(), missing.end(), [](auto m) { return m > 0; });
  if (start == missing.end()) return {};
  std::vector<std::size_t> walk{static_cast<std::size_t>(start - missing.begin())};
  std::vector<std::size_t> seen_at(edges.size(), edges.size());
  while (seen_at[walk.back()] == edges.size()) {
    seen_at[walk.back()] = walk.size() - 1;
    const auto& from = edges[walk.back()];
    walk.push_back(
        *std::find_if(from.begin(), from.end(), [&](std::size_t d) { return missing[d] > 0; }));
  }
  walk.erase(walk.begin(), walk.begin() + static_cast<std::ptrdiff_t>(seen_at[walk.back()]));
  return walk;
}

std::set<std::size_t> WithAncestors(const Graph& edges, const std::set<std::size_t>& of) {
  std::set<std::size_t> all;
  std::vector<std::size_t> next(of.begin(), of.end());
  while (!next.empty()) {
    const std::size_t node = next.back();
    next.pop_back();
    if (all.insert(node).second) next.insert(next.end(), edges[node].begin(), edges[node].end());
  }
  return all;
}

}  // namespace penstock::plan
