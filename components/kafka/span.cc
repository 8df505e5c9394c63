#include "components/kafka/span.h"

#include <algorithm>
#include <charconv>

#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

std::string Text(std::int64_t number) { return std::to_string(number); }

std::string Holds(const PartitionState& state) {
  return state.low == state.high ? "it holds nothing, and goes on at " + Text(state.high)
                                 : "it holds " + Text(state.low) + " to " + Text(state.high - 1);
}

template <typename Map>
std::optional<typename Map::mapped_type> At(const Map& map, std::int32_t partition) {
  const auto found = map.find(partition);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

std::int64_t BeginOf(const Wanted& wanted, const PartitionState& state) {
  if (wanted.exactly) return wanted.exactly->partitions.at(state.partition).first;
  if (wanted.since) {
    const auto before = At(wanted.since->partitions, state.partition);
    return before ? before->second : state.low;  // a partition that was added since
  }
  if (const auto from = At(wanted.from, state.partition)) return *from;
  return state.at_from_time.value_or(state.low);
}

std::int64_t EndOf(const Wanted& wanted, const PartitionState& state) {
  if (wanted.exactly) return wanted.exactly->partitions.at(state.partition).second;
  if (const auto to = At(wanted.to, state.partition)) return *to;
  return state.at_to_time.value_or(state.high);
}

Error Lost(const PartitionState& state, std::int64_t from) {
  return Invalid(PartitionName(state.partition) + ": the messages from offset " + Text(from) +
                 " to " + Text(state.low - 1) + " are gone, by retention or DeleteRecords: " +
                 Holds(state) + "; onLost: Skip reads what is there");
}

Result<Span> SpanOf(const Wanted& wanted, const PartitionState& state) {
  Span span{state.partition, BeginOf(wanted, state), EndOf(wanted, state), 0};
  const std::string name = PartitionName(state.partition);
  if (span.from > state.high) {
    return Invalid(name + ": is to be read from offset " + Text(span.from) + ", and " +
                   Holds(state) + ": the topic was made anew or its log cut off" +
                   (wanted.since || wanted.exactly ? ", since the offsets were told" : ""));
  }
  if (span.to > state.high) {
    return Invalid(name + ": is to be read up to offset " + Text(span.to - 1) + ", and " +
                   Holds(state) + "; what is still to come is not waited for");
  }
  const bool by_time = wanted.from_time || wanted.to_time;
  if (span.from > span.to && !by_time) {
    return Invalid(name + ": begins at offset " + Text(span.from) + " and ends before " +
                   Text(span.to));
  }
  if (span.from >= span.to) {
    span.to = span.from;
    return span;
  }
  if (span.from >= state.low) return span;
  if (!wanted.skip_lost) return Lost(state, span.from);
  const std::int64_t begin = std::min(state.low, span.to);
  span.lost = begin - span.from;
  span.from = begin;
  return span;
}

std::string ListOf(const std::vector<std::int32_t>& partitions) {
  std::string out;
  for (const auto p : partitions) out += (out.empty() ? "" : ", ") + Text(p);
  return plan::Shown(out, 200);
}

Result<void> CheckStillThere(const ReadOffsets& since, const std::vector<std::int32_t>& all) {
  for (const auto& [partition, span] : since.partitions) {
    if (std::find(all.begin(), all.end(), partition) != all.end()) continue;
    return Invalid("input since names partition " + Text(partition) + ", and the topic has " +
                   ListOf(all) + ": it was made anew since, and its offsets are others");
  }
  return {};
}

Result<void> CheckKnown(const std::vector<std::int32_t>& chosen, const auto& map,
                        const char* from) {
  for (const auto& [partition, unused] : map) {
    if (std::find(chosen.begin(), chosen.end(), partition) != chosen.end()) continue;
    return Invalid(std::string(from) + " names partition " + Text(partition) +
                   ", which is not read; read are " + ListOf(chosen));
  }
  return {};
}

}  // namespace

std::string PartitionName(std::int32_t partition) { return "partition " + Text(partition); }

Json ToJson(const ReadOffsets& offsets) {
  Json partitions = Json::object();
  for (const auto& [partition, span] : offsets.partitions)
    partitions[Text(partition)] = {{"from", span.first}, {"to", span.second}};
  return {{"topic", offsets.topic}, {"cluster", offsets.cluster}, {"partitions", partitions}};
}

Result<ReadOffsets> ParseReadOffsets(const std::string& text) {
  PENSTOCK_ASSIGN(const Json json, ParseJson(text, "offsets"));
  const Error none = Invalid(
      "are not the output offsets of the component kafka: {\"topic\": ..., \"partitions\": {\"0\": "
      "{\"from\": 0, \"to\": 7}}}");
  const Json& partitions = Member(json, "partitions");
  ReadOffsets out{TextAt(json, "topic"), TextAt(json, "cluster"), {}};
  if (out.topic.empty() || !partitions.is_object()) return none;
  for (const auto& [name, span] : partitions.items()) {
    std::int32_t partition = -1;
    const char* end = name.data() + name.size();
    const auto read = std::from_chars(name.data(), end, partition);
    const Json& from = Member(span, "from");
    const Json& to = Member(span, "to");
    if (read.ec != std::errc() || read.ptr != end || partition < 0) return none;
    if (!from.is_number_integer() || !to.is_number_integer()) return none;
    const auto both = std::pair(from.get<std::int64_t>(), to.get<std::int64_t>());
    if (both.first < 0 || both.second < both.first) return none;
    out.partitions[partition] = both;
  }
  return out;
}

bool Wanted::Named() const {
  if (exactly) return true;
  return !partitions.empty() && std::all_of(partitions.begin(), partitions.end(), [&](auto p) {
    return to.contains(p) && (from.contains(p) || (since && since->partitions.contains(p)));
  });
}

Result<void> CheckWanted(const Wanted& w) {
  const bool begin = !w.from.empty(), end = !w.to.empty();
  if (begin && w.from_time) return Invalid("parameters from and fromTime both say where to begin");
  if (end && w.to_time) return Invalid("parameters to and toTime both say where to end");
  if (w.from_time && w.to_time && *w.from_time >= *w.to_time)
    return Invalid("parameter fromTime is not before toTime, so that there is nothing to read");
  if (w.since && (begin || w.from_time)) {
    return Invalid("input since and parameter " + std::string(begin ? "from" : "fromTime") +
                   " both say where to begin");
  }
  const bool more = begin || end || w.from_time || w.to_time || w.since || !w.partitions.empty();
  if (w.exactly && more) {
    return Invalid(
        "input offsets says all that is to be read; leave out since, from, to, fromTime, toTime "
        "and partitions");
  }
  return {};
}

Result<std::vector<std::int32_t>> ChoosePartitions(const Wanted& wanted,
                                                   const std::vector<std::int32_t>& all) {
  std::vector<std::int32_t> chosen = wanted.partitions;
  if (wanted.exactly) {
    for (const auto& [partition, span] : wanted.exactly->partitions) chosen.push_back(partition);
  }
  if (chosen.empty() && wanted.exactly)
    return Invalid("input offsets: names no partition, so that there is nothing to read");
  if (chosen.empty()) chosen = all;
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  for (const auto partition : chosen) {
    if (std::find(all.begin(), all.end(), partition) != all.end()) continue;
    return Invalid("there is no partition " + Text(partition) + "; the topic has " + ListOf(all));
  }
  if (wanted.since) PENSTOCK_TRY(CheckStillThere(*wanted.since, all));
  PENSTOCK_TRY(CheckKnown(chosen, wanted.from, "parameter from"));
  PENSTOCK_TRY(CheckKnown(chosen, wanted.to, "parameter to"));
  return chosen;
}

Result<std::vector<Span>> PlanSpans(const Wanted& wanted,
                                    const std::vector<PartitionState>& states) {
  std::vector<Span> spans;
  for (const auto& state : states) {
    PENSTOCK_ASSIGN(spans.emplace_back(), SpanOf(wanted, state));
  }
  return spans;
}

Result<void> CheckSameTopic(const Wanted& wanted, const std::string& topic,
                            const std::string& cluster) {
  const auto check = [&](const std::optional<ReadOffsets>& told,
                         const char* input) -> Result<void> {
    if (!told) return {};
    if (told->topic != topic) {
      return Invalid(std::string("input ") + input + ": is of the topic '" +
                     plan::Shown(told->topic, 120) + "', and '" + topic + "' is read");
    }
    if (told->cluster.empty() || cluster.empty() || told->cluster == cluster) return {};
    return Invalid(std::string("input ") + input + ": is of the cluster " +
                   plan::Shown(told->cluster, 60) + ", and this one is " + cluster +
                   ": its offsets are others");
  };
  PENSTOCK_TRY(check(wanted.since, "since"));
  return check(wanted.exactly, "offsets");
}

}  // namespace penstock::kafka
