// The graph of steps: cycles and order. Nodes are indexes. Pure.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

namespace penstock::plan {

// edges[i] holds what i depends on.
using Graph = std::vector<std::set<std::size_t>>;

// One cycle in the order of the dependency, its first node at both ends; empty when there is none.
[[nodiscard]] std::vector<std::size_t> FindCycle(const Graph& edges);

// Every node after what it depends on, ties in the order of the indexes. Empty when there is a
// cycle.
[[nodiscard]] std::vector<std::size_t> TopologicalOrder(const Graph& edges);

// These nodes and all that they depend on, directly or not.
[[nodiscard]] std::set<std::size_t> WithAncestors(const Graph& edges,
                                                  const std::set<std::size_t>& of);

}  // namespace penstock::plan
