#include "operator/rollouts/signature_measure.h"

#include <gmock/gmock.h>

#include "operator/net/testing/fake_server.h"

namespace penstock::rollouts {
namespace {

using ::testing::HasSubstr;

const rollout::ServersToAsk kBoth{"flights", {"new", "10.0.0.8", 80}, {{"old", "10.0.0.7", 80}}};

std::string Metadata(const std::string& datatype) {
  return R"({"name":"flights","inputs":[{"name":"hour","datatype":")" + datatype +
         R"(","shape":[-1]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]})";
}

// What each of the two answers, by pod.
GateMeasure Answered(const std::map<std::string, Result<ServerAnswer>>& answers) {
  return MeasureSignature(kBoth, [&](const auto& server, const auto& request) {
    EXPECT_EQ(request.target, "/v2/models/flights");
    EXPECT_EQ(request.body, "");
    return answers.at(server.pod);
  });
}

TEST(MeasureSignature, IsGoodWhereBothTakeAndAnswerTheSame) {
  const ServerAnswer same{200, Metadata("INT64")};
  const GateMeasure m = Answered({{"old", same}, {"new", same}});
  EXPECT_TRUE(m.good) << m.error;
  EXPECT_EQ(m.error, "");
}

TEST(MeasureSignature, NamesTheFieldOldAndNewOfWhatBreaks) {
  const GateMeasure m = Answered({{"old", ServerAnswer{200, Metadata("INT64")}},
                                  {"new", ServerAnswer{200, Metadata("BYTES")}}});
  EXPECT_FALSE(m.good);
  EXPECT_EQ(m.error, "");
  EXPECT_EQ(m.message, "input \"hour\": datatype INT64 became BYTES");
}

TEST(MeasureSignature, SaysThatTheStableVersionsServerTellsNone) {
  const ServerAnswer told{200, Metadata("INT64")};
  const GateMeasure m = Answered({{"old", ServerAnswer{404, ""}}, {"new", told}});
  EXPECT_TRUE(m.good);
  EXPECT_THAT(m.message, HasSubstr("not compared: the stable version's server answers 404"));
}

TEST(MeasureSignature, IsNotGoodWhereOnlyTheStableVersionTellsOne) {
  const ServerAnswer told{200, Metadata("INT64")};
  GateMeasure m =
      Answered({{"old", told}, {"new", ServerAnswer{200, R"({"inputs":[],"outputs":[]})"}}});
  EXPECT_FALSE(m.good);
  EXPECT_EQ(m.error, "");
  EXPECT_THAT(m.message, HasSubstr("the new version's server tells none"));
  m = Answered({{"old", told}, {"new", ServerAnswer{404, ""}}});
  EXPECT_FALSE(m.good);
  EXPECT_THAT(m.message, HasSubstr("the new version's server answers 404"));
}

TEST(MeasureSignature, MeasuresNothingWhereAServerIsAwayOrBusy) {
  const ServerAnswer told{200, Metadata("INT64")};
  GateMeasure m = Answered({{"old", told}, {"new", Transient("refused")}});
  EXPECT_THAT(m.error, HasSubstr("the new version's server could not be asked: refused"));
  m = Answered({{"old", ServerAnswer{503, ""}}, {"new", told}});
  EXPECT_THAT(m.error, HasSubstr("the stable version's server answers 503"));
}

TEST(AskOverHttp, AsksAPodByItsAddress) {
  std::string line;
  net::FakeServer server([&](net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    line = request.substr(0, request.find("\r\n"));
    c.Answer(200, "told");
  });
  const int port = std::stoi(server.url().substr(server.url().rfind(':') + 1));
  auto answer = AskOverHttp({"p", "127.0.0.1", port}, {"/v2/models/m", ""}, {});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "told");
  EXPECT_EQ(line, "GET /v2/models/m HTTP/1.1");
  answer = AskOverHttp({"p", "127.0.0.1", port}, {"/v2/models/m/infer", "{}"}, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(line, "POST /v2/models/m/infer HTTP/1.1");
}

TEST(AskOverHttp, SaysThatNoPodHasAnAddress) {
  const auto answer = AskOverHttp({}, {"/", ""}, {});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("no pod of it is Ready"));
}

}  // namespace
}  // namespace penstock::rollouts
