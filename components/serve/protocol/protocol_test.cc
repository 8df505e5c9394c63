// What a client sees of the protocols, held against what a real Triton 2.51 answers to the same
// requests, recorded by calling one. Where it differs, the client's fault is a 4xx here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <future>
#include <thread>

#include "components/serve/protocol/compress.h"
#include "components/serve/testing/service_fixture.h"

namespace penstock::serve {
namespace {

using testing::HasSubstr;

std::string WithInput(const std::string& fields) { return R"({"inputs":[{)" + fields + "}]}"; }

std::string Floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

class Protocol : public ServiceTest {
 protected:
  Protocol() { Publish(); }
  HttpResponse Binary(const std::string& json, const std::string& blob) {
    return Call({.method = "POST",
                 .target = kInfer,
                 .content_type = "application/octet-stream",
                 .json_length = std::to_string(json.size()),
                 .body = json + blob});
  }
};

struct Oracle {
  const char* what;
  std::string body;
  int triton;  // its status; 0: its process crashed
  int ours;
};

TEST_F(Protocol, AnswersTheRequestsThatWereTriedOnTriton) {
  const std::string ok = R"("name":"x","shape":[2,1],"datatype":"FP32","data":[1,2])";
  const std::vector<Oracle> table = {
      {"bad JSON", "{", 500, 400},
      {"no inputs", "{}", 500, 400},
      {"data too short", WithInput(R"("name":"x","shape":[2,1],"datatype":"FP32","data":[1])"), 500,
       400},
      {"data too long", WithInput(R"("name":"x","shape":[2,1],"datatype":"FP32","data":[1,2,3])"),
       500, 400},
      {"strings", WithInput(R"("name":"x","shape":[1,1],"datatype":"FP32","data":["a"])"), 500,
       400},
      {"negative dimension", WithInput(R"("name":"x","shape":[-1,1],"datatype":"FP32","data":[1])"),
       500, 400},
      {"no shape", WithInput(R"("name":"x","datatype":"FP32","data":[1])"), 500, 400},
      {"integer id", R"({"id":7,"inputs":[{)" + ok + "}]}", 500, 400},
      {"NaN", WithInput(R"("name":"x","shape":[1,1],"datatype":"FP32","data":[NaN])"), 500, 400},
      {"wrong name", WithInput(R"("name":"y","shape":[1,1],"datatype":"FP32","data":[1])"), 400,
       400},
      {"wrong datatype", WithInput(R"("name":"x","shape":[1,1],"datatype":"BYTES","data":["a"])"),
       400, 400},
      {"unknown datatype", WithInput(R"("name":"x","shape":[1,1],"datatype":"FP8","data":[1])"),
       400, 400},
      {"wrong shape", WithInput(R"("name":"x","shape":[1,2],"datatype":"FP32","data":[1,2])"), 400,
       400},
      {"extra input",
       R"({"inputs":[{)" + ok + R"(},{"name":"z","shape":[1],"datatype":"FP32","data":[1]}]})", 400,
       400},
      {"missing input", R"({"inputs":[]})", 400, 400},
      {"unknown output", R"({"inputs":[{)" + ok + R"(}],"outputs":[{"name":"z"}]})", 400, 400},
      {"half precision as JSON",
       WithInput(R"("name":"x","shape":[1,1],"datatype":"FP16","data":[1])"), 400, 400},
      {"no data", WithInput(R"("name":"x","shape":[1,1],"datatype":"FP32")"), 400, 400},
      {"an object as parameter", R"({"parameters":{"a":{}},"inputs":[{)" + ok + "}]}", 400, 400},
      {"integers for floats, nested",
       WithInput(R"("name":"x","shape":[2,1],"datatype":"FP32","data":[[1],[2]])"), 200, 200},
      {"unknown field and own parameters",
       R"({"x":[{}],"parameters":{"a":1,"b":"c","d":true,"e":1.5},"inputs":[{)" + ok + "}]}", 200,
       200},
      {"a shape that overflows",
       WithInput(R"("name":"x","shape":[9223372036854775807,64],"datatype":"FP32","data":[1])"), 0,
       400},
      {"a shape of a terabyte",
       WithInput(R"("name":"x","shape":[274877906944,1],"datatype":"FP32","data":[1])"), 500, 400},
  };
  for (const Oracle& line : table) {
    HttpResponse response = Post(line.body);
    EXPECT_EQ(response.status, line.ours) << line.what << ": " << response.body;
    EXPECT_EQ(Json::parse(response.body).contains("error"), line.ours != 200) << line.what;
  }
  EXPECT_EQ(Get("/v2/health/live").status, 200);
}

TEST_F(Protocol, TakesAndGivesBinaryTensors) {
  HttpResponse response = Binary(
      R"({"inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","parameters":{"binary_data_size":8}}],
          "outputs":[{"name":"y","parameters":{"binary_data":true}}]})",
      Floats({1.5F, -2}));
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/octet-stream");
  const std::string header = "Inference-Header-Content-Length: ";
  ASSERT_THAT(response.headers, HasSubstr(header));
  const std::size_t json_size = std::stoul(response.headers.substr(header.size()));
  const Json json = Json::parse(response.body.substr(0, json_size));
  EXPECT_EQ(json["outputs"][0]["parameters"]["binary_data_size"], 8);
  EXPECT_EQ(response.body.substr(json_size), Floats({3, -4}));
}

TEST_F(Protocol, LetsAnOutputSayOtherwiseThanTheRequest) {
  const auto asked = [&](const std::string& more) {
    return Post(R"({"parameters":{"binary_data_output":true},)" + more +
                R"("inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}]})");
  };
  EXPECT_EQ(asked("").content_type, "application/octet-stream");
  EXPECT_EQ(asked(R"("outputs":[{"name":"y"}],)").content_type, "application/octet-stream");
  EXPECT_EQ(asked(R"("outputs":[{"name":"y","parameters":{"binary_data":false}}],)").content_type,
            "application/json");
}

TEST_F(Protocol, RefusesBinaryDataThatDoesNotFit) {
  const auto input = [](const std::string& parameters, const std::string& more = "") {
    return R"({"inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","parameters":{)" + parameters +
           "}" + more + "}]}";
  };
  const std::string eight = R"("binary_data_size":8)";
  EXPECT_THAT(Binary(input(eight), Floats({1})).body, HasSubstr("only 4 bytes are there"));
  EXPECT_THAT(Binary(input(eight), Floats({1, 2, 3})).body, HasSubstr("belong to no input"));
  EXPECT_THAT(Binary(input(R"("binary_data_size":4)"), Floats({1})).body, HasSubstr("4 bytes"));
  EXPECT_THAT(Binary(input(eight, R"(,"data":[1,2])"), Floats({1, 2})).body, HasSubstr("both"));
  EXPECT_THAT(Binary(input(R"("binary_data_size":-1)"), "").body, HasSubstr("number of bytes"));
  EXPECT_THAT(Binary(input(R"("binary_data_size":9223372036854775807)"), "").body,
              HasSubstr("only 0"));
  EXPECT_THAT(Binary(input(R"("shared_memory_region":"a")"), "").body, HasSubstr("not supported"));
  for (const char* length : {"-1", "x", "99999", "18446744073709551616", "1 "}) {
    HttpResponse response =
        Call({.method = "POST", .target = kInfer, .json_length = length, .body = input(eight)});
    EXPECT_EQ(response.status, 400) << length;
    EXPECT_THAT(response.body, HasSubstr("Inference-Header-Content-Length")) << length;
  }
}

TEST_F(Protocol, TakesARawBodyForTheOneInput) {
  const auto raw = [&](const std::string& body) {
    return Call({.method = "POST",
                 .target = kInfer,
                 .content_type = "application/octet-stream",
                 .json_length = "0",
                 .body = body});
  };
  HttpResponse response = raw(Floats({21}));
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.body, testing::EndsWith(Floats({42})));
  EXPECT_EQ(raw("12345").status, 400);
  EXPECT_EQ(raw("").status, 400);
}

TEST_F(Protocol, ReadsAndWritesCompressedBodies) {
  std::string rows = "1";
  for (int i = 1; i < 100; ++i) rows += "," + std::to_string(i) + ".0625";
  const std::string body =
      R"({"inputs":[{"name":"x","shape":[100,1],"datatype":"FP32","data":[)" + rows + "]}]}";
  HttpResponse response = Call({.method = "POST",
                                .target = kInfer,
                                .content_encoding = "gzip",
                                .accept_encoding = "deflate",
                                .body = Compress(Coding::kGzip, body)});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.headers, HasSubstr("Content-Encoding: deflate\r\n"));
  const Json json = Json::parse(*Decompress(Coding::kDeflate, response.body, 100'000));
  EXPECT_EQ(json["outputs"][0]["data"][99], 198.125);
  HttpResponse bomb = Call({.method = "POST",
                            .target = kInfer,
                            .content_encoding = "gzip",
                            .body = Compress(Coding::kGzip, std::string(10'000'000, ' '))});
  EXPECT_EQ(bomb.status, 413);
}

TEST_F(Protocol, CountsDecompressedBodiesAndThoseOfPredictOnceMore) {
  const auto bodies = std::make_shared<ByteBudget>(99'999);
  Service small({.server_version = "1", .body_bytes = 100'000, .bodies = bodies}, &inference_,
                &clock_, &metrics_);
  const std::string body = R"({"instances":[{"x":[1]}]})" + std::string(99'975, ' ');
  ASSERT_EQ(body.size(), 100'000);
  // The status, and what was held when it was answered.
  const auto send = [&](const char* target, const char* encoding, const std::string& bytes) {
    std::promise<std::pair<int, std::uint64_t>> answered;
    small.Handle({.method = "POST", .target = target, .content_encoding = encoding, .body = bytes},
                 [&](HttpResponse response) {
                   answered.set_value({response.status, bodies->held()});
                 });
    return answered.get_future().get();
  };
  using Pair = std::pair<int, std::uint64_t>;
  // What was refused is not held.
  EXPECT_EQ(send(kInfer, "gzip", Compress(Coding::kGzip, body)), Pair(503, 0));
  EXPECT_EQ(send("/v1/models/m:predict", "", body), Pair(503, 0));
  // The connection counts this one.
  EXPECT_EQ(send(kInfer, "", body), Pair(400, 0));
  EXPECT_EQ(send("/v1/models/m:predict", "", body.substr(0, 90'000)), Pair(200, 90'000));
  while (bodies->held() > 0) std::this_thread::yield();
}

TEST_F(Protocol, AnswersTensorFlowServingsPredict) {
  HttpResponse response = Post(R"({"instances":[{"x":[1]},{"x":[2]}]})", "/v1/models/m:predict");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Json::parse(response.body), (Json{{"predictions", {{2.0}, {4.0}}}}));
  response = Post(R"({"inputs":{"x":[[1],[2]]}})", "/v1/models/m/versions/3:predict");
  EXPECT_EQ(Json::parse(response.body), (Json{{"outputs", {{2.0}, {4.0}}}}));
  EXPECT_EQ(Post(R"({"instances":[[1,2]]})", "/v1/models/m:predict").status, 400);
  EXPECT_EQ(Post(R"({"instances":[[1]]})", "/v1/models/other:predict").status, 404);
  const Json status = Json::parse(Get("/v1/models/m").body)["model_version_status"][0];
  EXPECT_EQ(status["version"], "3");
  EXPECT_EQ(status["state"], "AVAILABLE");
  EXPECT_EQ(Get("/v1/models/m/versions/4").status, 404);
}

TEST_F(Protocol, EndsARequestWhoseTimeIsOverBeforeItIsComputed) {
  EXPECT_EQ(Post(R"({"parameters":{"timeout":1},)"
                 R"("inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}]})")
                .status,
            504);
  EXPECT_TRUE(model_->batches().empty());
  EXPECT_EQ(Post(R"({"parameters":{"timeout":"1"},"inputs":[]})").status, 400);
}

}  // namespace
}  // namespace penstock::serve
