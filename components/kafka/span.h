// From which offset to which each partition is read: what was asked for, held against what the
// partitions have. Offsets are the fingerprint: between the same two stand the same messages.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::kafka {

// From the first on, up to and without the second.
struct Span {
  std::int32_t partition = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t lost = 0;  // offsets before `from` that retention took, and that were asked for
};

// What a run has read: the output `offsets`, and the inputs `since` and `offsets`.
struct ReadOffsets {
  std::string topic;
  std::string cluster;  // its id; "" where the brokers tell none
  std::map<std::int32_t, std::pair<std::int64_t, std::int64_t>> partitions;  // from, to
};
[[nodiscard]] Json ToJson(const ReadOffsets& offsets);
// Invalid for what is no such document.
[[nodiscard]] Result<ReadOffsets> ParseReadOffsets(const std::string& text);

struct Wanted {
  std::vector<std::int32_t> partitions = {};  // empty: all
  std::map<std::int32_t, std::int64_t> from = {}, to = {};
  std::optional<std::int64_t> from_time = {}, to_time = {};  // milliseconds since 1970
  std::optional<ReadOffsets> since = {};                     // begins where that ended
  std::optional<ReadOffsets> exactly = {};                   // reads that once more
  bool skip_lost = false;  // what retention took is left out, not an error

  // Which messages are read does not depend on when it is asked.
  [[nodiscard]] bool Named() const;
};
// Invalid where two of these say the same thing.
[[nodiscard]] Result<void> CheckWanted(const Wanted& wanted);

// The partitions to read, of those that the topic has. Invalid for one that it has not, and where
// `since` tells of one: a topic never loses partitions but by being made anew.
[[nodiscard]] Result<std::vector<std::int32_t>> ChoosePartitions(
    const Wanted& wanted, const std::vector<std::int32_t>& all);

// What a partition holds now: from `low` up to and without `high`; in read_committed `high` is
// before the first transaction that is still open.
struct PartitionState {
  std::int32_t partition = 0;
  std::int64_t low = 0;
  std::int64_t high = 0;
  // The first offset whose time is not before it; `high` where there is none.
  std::optional<std::int64_t> at_from_time = {};
  std::optional<std::int64_t> at_to_time = {};
};

// Invalid names the partition and its offsets: what was asked for is gone (unless skip_lost), or is
// beyond its end.
[[nodiscard]] Result<std::vector<Span>> PlanSpans(const Wanted& wanted,
                                                  const std::vector<PartitionState>& states);

// Invalid where the offsets are those of another topic or cluster.
[[nodiscard]] Result<void> CheckSameTopic(const Wanted& wanted, const std::string& topic,
                                          const std::string& cluster);

// "partition 3".
[[nodiscard]] std::string PartitionName(std::int32_t partition);

}  // namespace penstock::kafka
