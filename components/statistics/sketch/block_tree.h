// Merges what is known of numbered blocks along one binary tree, whatever the order in which they
// come: a node is merged with its sibling only, and the left one is merged into. So a summary whose
// merge depends on the order (KLL, Misra-Gries) is the same for any number of threads and shards.
// Blocks in their order leave log2 of their number of nodes; value type, used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "components/sdk/row_hash.h"

namespace penstock::statistics {

// Node: void Merge(const Node& right, std::uint64_t salt).
template <typename Node>
class BlockTree {
 public:
  explicit BlockTree(std::uint64_t seed) : seed_(seed) {}

  // Another salt for each node of the tree.
  [[nodiscard]] std::uint64_t SaltOf(std::uint64_t level, std::uint64_t index) const {
    return sdk::MixBits(sdk::MixBits(seed_ ^ sdk::MixBits(level)) ^ index);
  }
  [[nodiscard]] std::uint64_t SaltOfBlock(std::uint64_t block) const { return SaltOf(0, block); }

  // Each block once.
  void Add(std::uint64_t block, Node node) { Insert(0, block, std::move(node)); }
  void Merge(BlockTree other) {
    for (auto& [place, node] : other.nodes_) Insert(place.level, place.index(), std::move(node));
  }
  // Of all blocks, from the first on. `none` when there were none.
  [[nodiscard]] Node Finish(Node none) const {
    bool first = true;
    for (const auto& [place, node] : nodes_) {
      if (first) {
        none = node;
      } else {
        none.Merge(node, SaltOf(kFold, place.first));
      }
      first = false;
    }
    return none;
  }

 private:
  static constexpr std::uint64_t kFold = 64;  // no level: trees are lower
  struct Place {
    std::uint64_t first = 0;  // block
    std::uint64_t level = 0;
    [[nodiscard]] std::uint64_t index() const { return first >> level; }
    bool operator<(const Place& other) const {
      return first != other.first ? first < other.first : level < other.level;
    }
  };

  void Insert(std::uint64_t level, std::uint64_t index, Node node) {
    for (;;) {
      const std::uint64_t sibling = index ^ 1;
      const auto found = nodes_.find({sibling << level, level});
      if (found == nodes_.end()) break;
      Node other = std::move(found->second);
      nodes_.erase(found);
      if (sibling < index) std::swap(node, other);
      ++level;
      index /= 2;
      node.Merge(other, SaltOf(level, index));
    }
    nodes_.emplace(Place{index << level, level}, std::move(node));
  }

  std::uint64_t seed_;
  std::map<Place, Node> nodes_;
};

}  // namespace penstock::statistics
