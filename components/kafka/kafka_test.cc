// The component over librdkafka's mock of brokers: what messages become, where it ends, what is
// refused, what happens to who is away. Transactions, compaction, retention, logins and TLS need
// real brokers: tests/tables/real_kafka.py.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "components/kafka/run.h"
#include "components/kafka/testing/mock_cluster.h"
#include "components/sdk/testing/table_text.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"
#include "operator/base/testing/expect_says.h"

namespace penstock::kafka {
namespace {

class Kafka : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("KAFKA_BOOTSTRAP_SERVERS", cluster_.brokers().c_str(), 1); }
  void TearDown() override { ::unsetenv("KAFKA_BOOTSTRAP_SERVERS"); }

  Result<void> Run(Json parameters = Json::object(),
                   std::map<std::string, sdk::StepInput> inputs = {}) {
    if (!parameters.contains("topic")) parameters["topic"] = "t";
    std::filesystem::create_directories(folder_ / "results");
    ::setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
    sdk::Step step(parameters, std::move(inputs),
                   {{"dataset", folder_ / "out"},
                    {"schema", folder_ / "_schema.yaml"},
                    {"offsets", folder_ / "offsets.json"},
                    {"quarantine", folder_ / "bad"}},
                   folder_ / "results");
    auto done = RunKafka(step);
    ::unsetenv("TMPDIR");
    return done;
  }
  std::string Problem(const Json& parameters = Json::object(),
                      std::map<std::string, sdk::StepInput> inputs = {}) {
    const auto done = Run(parameters, std::move(inputs));
    return done ? "" : done.error().message;
  }
  std::string ResultOf(const std::string& name) { return *ReadFile(folder_ / ("results/" + name)); }

  std::string Table(const std::string& name = "out") {
    const auto schema = sdk::DatasetSchema(folder_ / name);
    return schema ? sdk::TableText(folder_ / name, *schema) : schema.error().message;
  }
  void Fill() {
    cluster_.CreateTopic("t", 2);
    cluster_.Produce("t", 0, R"({"id":1,"name":"a"})", "k1", 1'700'000'000'123);
    cluster_.Produce("t", 1, R"({"id":2})", {}, 1'700'000'000'456);
    cluster_.Produce("t", 0, "{\"id\":3,\r\n \"name\":\"\\u00e9\\n\"}", "k2", 1'700'000'001'000);
  }

  MockCluster cluster_;
  sdk::TestFolder folder_;
};

#define ASSERT_RUNS(...)                       \
  do {                                         \
    const auto done = Run(__VA_ARGS__);        \
    ASSERT_TRUE(done) << done.error().message; \
  } while (false)

TEST_F(Kafka, ReadsAllThatIsThereByPartitionAndOffset) {
  Fill();
  ASSERT_RUNS();
  EXPECT_EQ(Table(), "id:int64 name:string \n1|a|\n3|é\n|\n2|null|");
  EXPECT_EQ(ResultOf("rows"), "3");
  EXPECT_EQ(ResultOf("messages"), "3");
  const auto offsets = ParseJson(*ReadFile(folder_ / "offsets.json"), "offsets");
  EXPECT_EQ(offsets->at("topic"), "t");
  EXPECT_EQ(offsets->at("partitions").at("0"), (Json{{"from", 0}, {"to", 2}}));
  EXPECT_EQ(offsets->at("partitions").at("1"), (Json{{"from", 0}, {"to", 1}}));
}

TEST_F(Kafka, TellsWhatKafkaKnowsWhereItIsAskedFor) {
  Fill();
  ASSERT_RUNS(
      {{"metadata", {"partition", "offset", "timestamp", "key"}}, {"columns", Json::array()}});
  EXPECT_EQ(Table(),
            "kafka_partition:int64 kafka_offset:int64 kafka_timestamp:timestamp kafka_key:string "
            "id:int64 name:string "
            "\n0|0|2023-11-14 22:13:20.123000|k1|1|a|"
            "\n0|1|2023-11-14 22:13:21.000000|k2|3|é\n|"
            "\n1|0|2023-11-14 22:13:20.456000|null|2|null|");
  ASSERT_RUNS({{"metadata", {"offset"}}, {"columns", {"name", "kafka_offset"}}});
  EXPECT_EQ(Table(), "name:string kafka_offset:int64 \na|0|\né\n|1|\nnull|0|");
}

TEST_F(Kafka, TheNextRunBeginsWhereTheLastEndedAndTheSameOffsetsGiveTheSameRows) {
  Fill();
  ASSERT_RUNS();
  const std::string first = Table();
  std::filesystem::rename(folder_ / "offsets.json", folder_ / "first.json");
  cluster_.Produce("t", 1, R"({"id":4})");
  sdk::StepInput told;
  told.path = folder_ / "first.json";
  ASSERT_RUNS(Json::object(), {{"since", told}});
  EXPECT_EQ(Table(), "id:int64 \n4|");
  ASSERT_RUNS(Json::object(), {{"offsets", told}});
  EXPECT_EQ(Table(), first);
}

TEST_F(Kafka, NoNewMessageIsNoErrorWhereTheColumnsAreKnown) {
  Fill();
  ASSERT_RUNS();
  std::filesystem::rename(folder_ / "offsets.json", folder_ / "first.json");
  std::filesystem::rename(folder_ / "_schema.yaml", folder_ / "known.yaml");
  sdk::StepInput told, schema;
  told.path = folder_ / "first.json";
  schema.path = folder_ / "known.yaml";
  EXPECT_SAYS(Problem(Json::object(), {{"since", told}}), "no message has a column");
  ASSERT_RUNS(Json::object(), {{"since", told}, {"schema", schema}});
  EXPECT_EQ(Table(), "id:int64 name:string ");
  EXPECT_EQ(ResultOf("rows"), "0");
}

TEST_F(Kafka, EndsAtWhatWasThereWhenItBeganHoweverMuchIsWritten) {
  cluster_.CreateTopic("t", 1);
  cluster_.ProduceMany("t", 0, 2000, "{\"id\":", "}");
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) cluster_.ProduceMany("t", 0, 500, "{\"id\":", "}");
  });
  ASSERT_RUNS({{"metadata", {"offset"}}});
  const auto offsets = ParseJson(*ReadFile(folder_ / "offsets.json"), "offsets");
  EXPECT_EQ(ResultOf("rows"), offsets->at("partitions").at("0").at("to").dump());
}

TEST_F(Kafka, ADamagedMessageIsNamedByPartitionAndOffset) {
  Fill();
  cluster_.Produce("t", 1, "{\"id\": ");
  EXPECT_SAYS(Problem(), "topic 't': partition 1, offset 1:");
  ASSERT_RUNS({{"onBadRow", "Quarantine"}});
  EXPECT_EQ(ResultOf("rows"), "3");
  EXPECT_EQ(ResultOf("badRows"), "1");
  EXPECT_SAYS(Table("bad"), "partition:int64 offset:int64 reason:string raw:binary \n1|1|");
}

TEST_F(Kafka, AvroOfASchemaRegistryIsRefusedByName) {
  cluster_.CreateTopic("t", 1);
  cluster_.Produce("t", 0, std::string("\0\0\0\0\x07{\"a\":1}", 12));
  EXPECT_SAYS(Problem(), "partition 0, offset 0: it is written with a schema registry (Avro");
  EXPECT_SAYS(Problem({{"format", "avro"}}), "format");
}

TEST_F(Kafka, ColumnsOfSeveralTypesAreNamedByTheirOffsets) {
  cluster_.CreateTopic("t", 1);
  cluster_.Produce("t", 0, R"({"a":1})");
  cluster_.Produce("t", 0, R"({"b":1})");
  cluster_.Produce("t", 0, R"({"a":"x"})");
  EXPECT_SAYS(Problem(), "partition 0: column 'a': an integer in offset 0 and a text in offset 2");
  ASSERT_RUNS({{"types", {{"a", "string"}}}});
  EXPECT_EQ(Table(), "a:string b:int64 \n1|null|\nnull|1|\nx|null|");
}

TEST_F(Kafka, AValueThatASchemaRefusesIsNamedByItsOffset) {
  cluster_.CreateTopic("t", 1);
  cluster_.Produce("t", 0, R"({"a":1})");
  cluster_.Produce("t", 0, R"({"a":null})");
  ASSERT_TRUE(WriteFileAtomically(
      folder_ / "given.yaml", "version: 1\ncolumns:\n- {name: a, type: int64, nullable: false}\n"));
  sdk::StepInput schema;
  schema.path = folder_ / "given.yaml";
  EXPECT_SAYS(Problem(Json::object(), {{"schema", schema}}), "partition 0, offset 1:");
}

TEST_F(Kafka, AMessageWithoutAValueIsARowOfNulls) {
  Fill();
  cluster_.Produce("t", 1, {}, "gone");
  ASSERT_RUNS({{"metadata", {"key"}}});
  EXPECT_EQ(Table(),
            "kafka_key:string id:int64 name:string \nk1|1|a|\nk2|3|é\n|\nnull|2|null|"
            "\ngone|null|null|");
  EXPECT_EQ(ResultOf("withoutValue"), "1");
}

TEST_F(Kafka, TextsAreTheColumnValue) {
  cluster_.CreateTopic("t", 1);
  cluster_.Produce("t", 0, "one\ntwo", "\xFF");
  cluster_.Produce("t", 0, "");
  cluster_.Produce("t", 0, {}, "k");
  ASSERT_RUNS({{"format", "text"}, {"metadata", {"keyBytes"}}});
  EXPECT_EQ(Table(), "kafka_key:binary value:string \n\xFF|one\ntwo|\nnull||\nk|null|");
  EXPECT_SAYS(Problem({{"format", "text"}, {"metadata", {"key"}}}), "its key is no UTF-8");
  cluster_.Produce("t", 0, "\xC3(");
  EXPECT_SAYS(Problem({{"format", "text"}}), "offset 3: it is no UTF-8 text");
}

TEST_F(Kafka, RecordsOfACsvKeepTheirPlaceWhateverIsInThem) {
  cluster_.CreateTopic("t", 2);
  cluster_.Produce("t", 1, "3;c\r\n", "k");
  cluster_.Produce("t", 0, "1;\"a;\n\"\"b\"");
  cluster_.Produce("t", 0, "2;");
  const Json csv{{"format", "csv"}, {"names", {"id", "na\"me"}}, {"delimiter", ";"}};
  Json with = csv;
  with["metadata"] = {"offset", "partition", "key"};
  ASSERT_RUNS(with);
  EXPECT_EQ(Table(),
            "kafka_offset:int64 kafka_partition:int64 kafka_key:string id:int64 "
            "na\"me:string \n0|0|null|1|a;\n\"b|\n1|0|null|2|null|\n0|1|k|3|c|");
  cluster_.Produce("t", 1, "4;\"open");
  EXPECT_SAYS(Problem(csv), "partition 1, offset 1:");
  cluster_.Produce("t", 1, "5;e;f");
  cluster_.Produce("t", 1, "6;x\n7;y");
  cluster_.Produce("t", 1, "eight;h");
  with["onBadRow"] = "Quarantine";
  with["types"] = {{"id", "int64"}};
  ASSERT_RUNS(with);
  EXPECT_EQ(ResultOf("rows"), "3");
  EXPECT_EQ(ResultOf("badRows"), "4");
  const auto bad = Table("bad");
  EXPECT_SAYS(bad, "\n1|4|");  // found last, as its type is
  EXPECT_SAYS(bad, "2 records in one message");
  Json typed = csv;
  typed["from"] = {{"1", 4}};
  typed["partitions"] = {1};
  typed["types"] = {{"id", "int64"}};
  EXPECT_SAYS(Problem(typed), "partition 1, offset 4: column 'id'");
}

TEST_F(Kafka, FromAndToAndPartitionsChooseWhatIsRead) {
  Fill();
  ASSERT_RUNS({{"partitions", {0}}, {"from", {{"0", 1}}}});
  EXPECT_EQ(Table(), "id:int64 name:string \n3|é\n|");
  ASSERT_RUNS({{"to", {{"0", 1}}}});
  EXPECT_EQ(Table(), "id:int64 name:string \n1|a|\n2|null|");
  EXPECT_SAYS(Problem({{"to", {{"0", 99}}}}),
              "partition 0: is to be read up to offset 98, and it "
              "holds 0 to 1; what is still to come");
  EXPECT_SAYS(Problem({{"partitions", {9}}}), "no partition 9; the topic has 0, 1");
}

TEST_F(Kafka, ATopicThatIsNotThereIsNamedAndNotMade) {
  cluster_.CreateTopic("t", 1);
  cluster_.FailTopic("t", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  EXPECT_SAYS(Problem({{"patience", "5s"}}), "there is no topic 't'");
}

TEST_F(Kafka, ATopicThatMayNotBeReadIsForbidden) {
  cluster_.CreateTopic("t", 1);
  cluster_.FailTopic("t", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const auto done = Run({{"patience", "5s"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kForbidden) << done.error().message;
}

TEST_F(Kafka, BrokersThatAreAwayAreSaidWithinThePatience) {
  ::setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", 1);
  const auto done = Run({{"patience", "2s"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kTransient);
  EXPECT_SAYS(done.error().message, "nothing came for 2s from 127.0.0.1:1");
  EXPECT_SAYS(done.error().message, "refused");
}

TEST_F(Kafka, ABrokerThatGoesWhileItIsReadIsSaidWithWhatIsMissing) {
  cluster_.CreateTopic("t", 1);
  cluster_.ProduceMany("t", 0, 10, "{\"id\":", "}");
  cluster_.FailFetches(10'000, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
  const auto done = Run({{"patience", "3s"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kTransient);
  EXPECT_SAYS(done.error().message, "reading partition 0, of which the offsets 0 to 9 are still");
}

TEST_F(Kafka, FetchesThatFailAFewTimesAreMadeAgain) {
  cluster_.CreateTopic("t", 1);
  cluster_.ProduceMany("t", 0, 10, "{\"id\":", "}");
  cluster_.FailFetches(3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
  ASSERT_RUNS();
  EXPECT_EQ(ResultOf("rows"), "10");
}

TEST_F(Kafka, TheTimeoutEndsWhatWouldGoOn) {
  ::setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", 1);
  const auto done = Run({{"timeout", "2s"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kDeadline);
  EXPECT_SAYS(done.error().message, "timeout");
}

TEST_F(Kafka, MoreThanMaxBytesIsRefused) {
  cluster_.CreateTopic("t", 1);
  cluster_.ProduceMany("t", 0, 100, "{\"id\":", "}");
  EXPECT_SAYS(Problem({{"maxBytes", 200}}), "more than maxBytes, 200");
}

TEST_F(Kafka, MorePartitionsThanAreFetchedAtATimeAreAllRead) {
  cluster_.CreateTopic("t", 40);
  for (int p = 0; p < 40; ++p) cluster_.Produce("t", p, "{\"p\":" + std::to_string(p) + "}");
  ASSERT_RUNS();
  EXPECT_EQ(ResultOf("rows"), "40");
  EXPECT_SAYS(Table(), "p:int64 \n0|\n1|\n2|");
}

}  // namespace
}  // namespace penstock::kafka
