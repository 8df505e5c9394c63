// From which offset to which a partition is read, and what is refused by its offsets.
#include "components/kafka/span.h"

#include <gtest/gtest.h>

#include "operator/base/testing/expect_says.h"

namespace penstock::kafka {
namespace {

PartitionState State(std::int32_t partition, std::int64_t low, std::int64_t high) {
  return {partition, low, high, {}, {}};
}

std::string Plan(const Wanted& wanted, const std::vector<PartitionState>& states) {
  const auto spans = PlanSpans(wanted, states);
  if (!spans) return spans.error().message;
  std::string out;
  for (const auto& s : *spans) {
    out += std::to_string(s.partition) + ":" + std::to_string(s.from) + "-" + std::to_string(s.to);
    if (s.lost > 0) out += " lost " + std::to_string(s.lost);
    out += " ";
  }
  return out;
}

TEST(KafkaSpan, NothingSaidIsAllThatThereIs) {
  EXPECT_EQ(Plan({}, {State(0, 5, 9), State(1, 0, 0)}), "0:5-9 1:0-0 ");
}

TEST(KafkaSpan, SinceTheLastRunBeginsWhereThatEndedAndTakesAddedPartitionsWhole) {
  Wanted wanted;
  wanted.since = ReadOffsets{"orders", "", {{0, {0, 7}}}};
  EXPECT_EQ(Plan(wanted, {State(0, 5, 9), State(1, 2, 4)}), "0:7-9 1:2-4 ");
  EXPECT_EQ(Plan(wanted, {State(0, 7, 7)}), "0:7-7 ");
}

TEST(KafkaSpan, RetentionThatTookWhatWasAskedForNamesPartitionAndOffsets) {
  Wanted wanted;
  wanted.since = ReadOffsets{"orders", "", {{3, {0, 10}}}};
  EXPECT_SAYS(Plan(wanted, {State(3, 25, 40)}),
              "partition 3: the messages from offset 10 to 24 are gone");
  EXPECT_SAYS(Plan(wanted, {State(3, 25, 40)}), "it holds 25 to 39; onLost: Skip");
  wanted.skip_lost = true;
  EXPECT_EQ(Plan(wanted, {State(3, 25, 40)}), "3:25-40 lost 15 ");
}

TEST(KafkaSpan, WhatIsGoneAltogetherIsNoSpanThatRunsBackwards) {
  Wanted wanted;
  wanted.from = {{0, 2}};
  wanted.to = {{0, 6}};
  wanted.skip_lost = true;
  EXPECT_EQ(Plan(wanted, {State(0, 10, 20)}), "0:6-6 lost 4 ");
}

TEST(KafkaSpan, ATopicThatWasMadeAnewIsNotReadAsIfItWereTheOldOne) {
  Wanted wanted;
  wanted.since = ReadOffsets{"orders", "", {{0, {0, 100}}}};
  EXPECT_SAYS(Plan(wanted, {State(0, 0, 5)}), "made anew or its log cut off");
}

TEST(KafkaSpan, ATopicThatHasFewerPartitionsThanTheOffsetsWasMadeAnew) {
  Wanted wanted;
  wanted.since = ReadOffsets{"orders", "", {{0, {0, 2}}, {5, {0, 100}}}};
  EXPECT_SAYS(ChoosePartitions(wanted, {0, 1}).error().message,
              "input since names partition 5, and the topic has 0, 1: it was made anew");
  EXPECT_TRUE(ChoosePartitions(wanted, {0, 1, 2, 3, 4, 5}));
}

TEST(KafkaSpan, TimesInTheWrongOrderAreNoEmptyDataset) {
  Wanted wanted;
  wanted.from_time = 1000;
  wanted.to_time = 1000;
  EXPECT_SAYS(CheckWanted(wanted).error().message, "fromTime is not before toTime");
  wanted.to_time = 1001;
  EXPECT_TRUE(CheckWanted(wanted));
}

TEST(KafkaSpan, WhatIsStillToComeIsNotWaitedFor) {
  Wanted wanted;
  wanted.to = {{0, 30}};
  EXPECT_SAYS(Plan(wanted, {State(0, 0, 20)}), "is not waited for");
  wanted.from = {{0, 21}};
  wanted.to = {};
  EXPECT_SAYS(Plan(wanted, {State(0, 0, 20)}), "from offset 21");
}

TEST(KafkaSpan, TimesThatFindNothingGiveNothing) {
  Wanted wanted;
  wanted.from_time = 1000;
  wanted.to_time = 500;
  PartitionState state = State(0, 0, 20);
  state.at_from_time = 12;
  state.at_to_time = 3;
  EXPECT_EQ(Plan(wanted, {state}), "0:12-12 ");
}

TEST(KafkaSpan, TwoWordsForOneEndAreRefused) {
  Wanted wanted;
  wanted.from = {{0, 1}};
  wanted.from_time = 5;
  EXPECT_SAYS(CheckWanted(wanted).error().message, "from and fromTime");
  Wanted exact;
  exact.exactly = ReadOffsets{"t", "", {{0, {0, 1}}}};
  EXPECT_TRUE(CheckWanted(exact));
  exact.to = {{0, 1}};
  EXPECT_SAYS(CheckWanted(exact).error().message, "input offsets says all");
}

TEST(KafkaSpan, OnlyWhatIsNamedWhollyMayBeTakenFromTheCache) {
  Wanted wanted;
  EXPECT_FALSE(wanted.Named());
  wanted.partitions = {0, 1};
  wanted.from = {{0, 0}, {1, 0}};
  wanted.to = {{0, 5}};
  EXPECT_FALSE(wanted.Named());
  wanted.to[1] = 5;
  EXPECT_TRUE(wanted.Named());
  wanted.from.clear();
  EXPECT_FALSE(wanted.Named());
  Wanted exact;
  exact.exactly = ReadOffsets{"t", "", {{0, {0, 1}}}};
  EXPECT_TRUE(exact.Named());
}

TEST(KafkaSpan, PartitionsThatAreNotThereOrNotReadAreNamed) {
  Wanted wanted;
  wanted.partitions = {2, 7};
  EXPECT_SAYS(ChoosePartitions(wanted, {0, 1, 2}).error().message, "no partition 7");
  wanted.partitions = {2};
  wanted.from = {{1, 5}};
  EXPECT_SAYS(ChoosePartitions(wanted, {0, 1, 2}).error().message,
              "parameter from names partition 1, which is not read");
}

TEST(KafkaSpan, OffsetsAreReadBackAsTheyWereWritten) {
  const ReadOffsets offsets{"orders", "cluster-1", {{0, {0, 7}}, {12, {3, 3}}}};
  const auto back = ParseReadOffsets(ToJson(offsets).dump());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->topic, "orders");
  EXPECT_EQ(back->cluster, "cluster-1");
  EXPECT_EQ(back->partitions, offsets.partitions);
}

TEST(KafkaSpan, ADocumentThatIsNoneIsRefused) {
  for (const char* text :
       {"", "[]", "{}", R"({"topic":"t"})", R"({"topic":"t","partitions":{"x":{"from":0,"to":1}}})",
        R"({"topic":"t","partitions":{"0":{"from":5,"to":1}}})",
        R"({"topic":"t","partitions":{"0":{"from":-1,"to":1}}})",
        R"({"topic":"t","partitions":{"0":{"from":0.5,"to":1}}})",
        R"({"topic":"t","partitions":{"-1":{"from":0,"to":1}}})",
        R"({"topic":"t","partitions":{"99999999999":{"from":0,"to":1}}})"}) {
    EXPECT_FALSE(ParseReadOffsets(text)) << text;
  }
}

TEST(KafkaSpan, OffsetsOfAnotherTopicOrClusterAreRefused) {
  Wanted wanted;
  wanted.since = ReadOffsets{"orders", "a", {}};
  EXPECT_TRUE(CheckSameTopic(wanted, "orders", "a"));
  EXPECT_TRUE(CheckSameTopic(wanted, "orders", ""));
  EXPECT_SAYS(CheckSameTopic(wanted, "sales", "a").error().message, "is of the topic 'orders'");
  EXPECT_SAYS(CheckSameTopic(wanted, "orders", "b").error().message, "is of the cluster a");
}

}  // namespace
}  // namespace penstock::kafka
