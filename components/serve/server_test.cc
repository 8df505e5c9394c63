// The real server, a real model, real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "components/model/testing/sample_model.h"
#include "components/model_format/model_artifact.h"
#include "components/serve/testing/server_process.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Program() { return PENSTOCK_SERVE_PROGRAM; }

class Server : public testing::Test {
 protected:
  Server()
      : folder_(testing::TempDir() + "serve." +
                testing::UnitTest::GetInstance()->current_test_info()->name() +
                std::to_string(getpid())) {}
  ~Server() override { std::filesystem::remove_all(folder_); }

  ServerProcess& Start(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"--model", folder_, "--version", "3"});
    process_ = std::make_unique<ServerProcess>(Program(), arguments);
    return *process_;
  }
  ServerProcess& StartReady(std::vector<std::string> arguments = {}) {
    ServerProcess& process = Start(std::move(arguments));
    const std::string line = process.WaitForLog("ready: ");
    EXPECT_THAT(line, testing::Not(HasSubstr("not ready"))) << line;
    return process;
  }

  const std::string folder_;
  std::unique_ptr<ServerProcess> process_;
};

Json MlpRequest(const Json& x) {
  return {{"inputs", {{{"name", "x"}, {"shape", {1, 64}}, {"datatype", "FP32"}, {"data", x}}}}};
}

std::string FlightsRequest(const std::string& columns) { return R"({"inputs":[)" + columns + "]}"; }
const char* const kCarrier =
    R"({"name":"carrier","shape":[2],"datatype":"BYTES","data":["UA",null]})";
const char* const kDistance =
    R"({"name":"distance","shape":[2,1],"datatype":"FP32","data":[[700.5],[120]]})";
const char* const kWeather =
    R"({"name":"날씨","shape":[2],"datatype":"BYTES","data":["비","맑음"]})";
const char* const kHour = R"({"name":"hour","shape":[2],"datatype":"INT64","data":[7,23]})";
std::string Columns(const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& column : columns) text += (text.empty() ? "" : ",") + column;
  return FlightsRequest(text);
}

TEST_F(Server, AnswersATensorModelAsItsExamplesSay) {
  model::WriteMlp(folder_);
  ClientConnection client(StartReady().port());
  EXPECT_EQ(client.Get("/v2/health/live").status, 200);
  EXPECT_EQ(client.Get("/v2/health/ready").status, 200);
  const Json metadata = Json::parse(client.Get("/v2/models/mlp").body);
  EXPECT_EQ(metadata["inputs"][0]["shape"], Json::array({-1, 64}));
  EXPECT_EQ(metadata["versions"], Json::array({"3"}));
  auto examples = sdk::LoadExamples(folder_);
  ASSERT_TRUE(examples);
  for (const sdk::ModelExample& example : *examples) {
    const Reply reply = client.Post("/v2/models/mlp/infer", MlpRequest(example.inputs["x"]).dump());
    ASSERT_EQ(reply.status, 200) << reply.body;
    const Json output = Json::parse(reply.body)["outputs"][0];
    EXPECT_EQ(output["shape"], Json::array({1, 10}));
    for (int i = 0; i < 10; ++i) {
      EXPECT_NEAR(output["data"][i].get<double>(), example.outputs["y"][i].get<double>(), 1e-5);
    }
  }
}

TEST_F(Server, AnswersRawColumnsThroughTheTransform) {
  model::WriteColumns(folder_);
  ClientConnection client(StartReady().port());
  const Reply reply = client.Post("/v2/models/flights/versions/3/infer",
                                  Columns({kHour, kCarrier, kWeather, kDistance}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json outputs = Json::parse(reply.body)["outputs"];
  auto examples = sdk::LoadExamples(folder_);
  ASSERT_TRUE(examples);
  for (int row : {0, 1}) {
    EXPECT_EQ(outputs[0]["name"], "probability");
    EXPECT_NEAR(outputs[0]["data"][row].get<double>(),
                (*examples)[row].outputs["probability"].get<double>(), 1e-5);
    EXPECT_EQ(outputs[1]["name"], "label");
    EXPECT_EQ(outputs[1]["data"][row], (*examples)[row].outputs["label"]);
  }
}

struct Fault {
  std::vector<std::string> columns;
  const char* message;
};

TEST_F(Server, RefusesColumnsThatDoNotFitAndNamesThem) {
  model::WriteColumns(folder_);
  ClientConnection client(StartReady().port());
  const std::vector<Fault> faults = {
      {{kCarrier, kDistance, kWeather}, "input 'hour' is missing"},
      {{kCarrier, kDistance, kWeather, kHour,
        R"({"name":"minute","shape":[2],"datatype":"INT64","data":[1,2]})"},
       "unknown input 'minute'"},
      {{kCarrier, kDistance, R"({"name":"날씨","shape":[2],"datatype":"BYTES","data":["비",null]})",
        kHour},
       "input '날씨': element 1 is null"},
      {{kCarrier, kDistance, kWeather,
        R"({"name":"hour","shape":[2],"datatype":"FP64","data":[7,7.5]})"},
       "hour"},
      {{kCarrier, kDistance, kWeather,
        R"({"name":"hour","shape":[2],"datatype":"BYTES","data":["7","8"]})"},
       "input 'hour' has datatype BYTES"},
      {{R"({"name":"carrier","shape":[2],"datatype":"INT64","data":[1,2]})", kDistance, kWeather,
        kHour},
       "carrier"},
      {{kCarrier, R"({"name":"distance","shape":[1],"datatype":"FP32","data":[1]})", kWeather,
        kHour},
       "input 'distance' has 1 rows"},
      {{kCarrier, R"({"name":"distance","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]})",
        kWeather, kHour},
       "input 'distance' is a column"},
  };
  for (const Fault& fault : faults) {
    const Reply reply = client.Post("/v2/models/flights/infer", Columns(fault.columns));
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_THAT(Json::parse(reply.body)["error"].get<std::string>(), HasSubstr(fault.message));
  }
  // A category that training never saw has a place of its own, and an integral double is an
  // integer.
  EXPECT_EQ(
      client
          .Post("/v2/models/flights/infer",
                Columns({R"({"name":"carrier","shape":[2],"datatype":"BYTES","data":["??","UA"]})",
                         kDistance, kWeather,
                         R"({"name":"hour","shape":[2],"datatype":"FP64","data":[7.0,8]})"}))
          .status,
      200);
}

TEST_F(Server, AnswersScrapesAndProbesButNoLargeBodyOnItsMetricsPort) {
  model::WriteMlp(folder_);
  const int port = Collector().port();  // free again
  StartReady({"--metrics-port", std::to_string(port)});
  ClientConnection client(port);
  EXPECT_EQ(client.Get("/v2/health/ready").status, 200);
  EXPECT_THAT(client.Get("/metrics").body, HasSubstr("penstock_serve_ready 1"));
  EXPECT_EQ(client.Post("/v2/models/mlp/infer", std::string(100'000, ' ')).status, 413);
}

TEST_F(Server, RefusesWhatIsNoRequestWithA4xxAndAnError) {
  model::WriteMlp(folder_);
  const int port = StartReady({"--max-body", "100000"}).port();
  const auto status_of = [&](const std::string& bytes) {
    ClientConnection client(port);
    client.Send(bytes);
    const Reply reply = client.Receive();
    EXPECT_TRUE(Json::parse(reply.body).contains("error")) << reply.body;
    return reply.status;
  };
  EXPECT_EQ(status_of("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /v2 HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
            431);
  EXPECT_EQ(status_of("GET /v2/" + std::string(20'000, 'x')), 431);
  EXPECT_EQ(
      status_of("POST /v2/models/mlp/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n"),
      413);
  EXPECT_EQ(status_of("POST /v2/models/mlp/infer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n1ffff\r\n" +
                      std::string(0x1ffff, ' ') + "\r\n0\r\n\r\n"),
            413);
  EXPECT_EQ(status_of("POST /v2/models/mlp/infer HTTP/1.1\r\nHost: a\r\nContent-Length: "
                      "1\r\nContent-Length: 2\r\n\r\n"),
            400);
  EXPECT_EQ(status_of("POST /v2/models/mlp/infer HTTP/1.1\r\nHost: a\r\nContent-Length: "
                      "3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(status_of("DELETE /v2/models/mlp HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
  EXPECT_EQ(status_of("GET /v2/models/other HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
  ClientConnection client(port);
  const Json wrong_shape = {{"inputs",
                             {{{"name", "x"},
                               {"shape", {Json(9223372036854775807), 64}},
                               {"datatype", "FP32"},
                               {"data", {1}}}}}};
  EXPECT_EQ(client.Post("/v2/models/mlp/infer", wrong_shape.dump()).status, 400);
  EXPECT_EQ(client.Post("/v2/models/mlp/infer", "{").status, 400);
  EXPECT_EQ(client.Post("/v2/models/mlp/infer", "{}", "Content-Encoding: gzip\r\n").status, 400);
  EXPECT_EQ(client.Post("/v2/models/mlp/infer", "{}", "Content-Encoding: br\r\n").status, 415);
  EXPECT_EQ(client.Get("/v2/health/ready").status, 200);
}

TEST_F(Server, AnswersPipelinedAndChunkedRequestsInOrder) {
  model::WriteTouchy(folder_);
  ClientConnection client(StartReady().port());
  const auto request = [](int value) {
    const std::string body = R"({"id":")" + std::to_string(value) +
                             R"(","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[)" +
                             std::to_string(value) + ",0]}]}";
    return "POST /v2/models/touchy/infer HTTP/1.1\r\nHost: a\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  std::string all;
  for (int i = 0; i < 20; ++i) all += request(i);
  client.Send(all);
  for (int i = 0; i < 20; ++i) {
    const Json reply = Json::parse(client.Receive().body);
    EXPECT_EQ(reply["id"], std::to_string(i));
    EXPECT_EQ(reply["outputs"][0]["data"][0], 2.0 * i);
  }
  client.Send(
      "POST /v2/models/touchy/infer HTTP/1.1\r\nHost: a\r\nExpect: "
      "100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 100);
  client.Send(
      "6\r\n{\"id\":\r\n2\r\n\"c\r\n3f\r\n\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],"
      "\"datatype\":\"FP32\",\"data\":\r\n7\r\n[1,2]}]\r\n1\r\n}\r\n0\r\n\r\n");
  const Reply chunked = client.Receive();
  EXPECT_EQ(chunked.status, 200) << chunked.body;
  client.Send("GET /v2/health/live HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.Receive().head, HasSubstr("Connection: close"));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(Server, AnswersConcurrentRequestsAsItAnswersThemAlone) {
  model::WriteMlp(folder_);
  const int port = StartReady({"--max-delay", "2ms"}).port();
  constexpr int kThreads = 8;
  constexpr int kRequests = 25;
  const auto body = [](int i) {
    Json x = Json::array();
    for (int j = 0; j < 64; ++j) x.push_back(((i * 31 + j * 17) % 100) / 50.0 - 1);
    return MlpRequest(x).dump();
  };
  std::vector<Json> alone;
  {
    ClientConnection client(port);
    for (int i = 0; i < kThreads * kRequests; ++i) {
      alone.push_back(
          Json::parse(client.Post("/v2/models/mlp/infer", body(i)).body)["outputs"][0]["data"]);
    }
  }
  std::vector<Json> together(alone.size());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      ClientConnection client(port);
      for (int i = t * kRequests; i < (t + 1) * kRequests; ++i) {
        together[i] =
            Json::parse(client.Post("/v2/models/mlp/infer", body(i)).body)["outputs"][0]["data"];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < alone.size(); ++i) {
    for (int k = 0; k < 10; ++k) {
      const double expected = alone[i][k];
      ASSERT_NEAR(together[i][k].get<double>(), expected, 1e-5 * std::max(1.0, std::abs(expected)));
    }
  }
  ClientConnection client(port);
  const std::string metrics = client.Get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("penstock_serve_requests_total{code=\"200\",model=\"mlp\","
                                 "operation=\"infer\",version=\"3\"} 400"));
}

TEST_F(Server, FailsOnlyThePoisonedRequestOfABatch) {
  model::WriteTouchy(folder_);
  const int port =
      StartReady({"--max-delay", "10s", "--instances", "1", "--max-batch", "4"}).port();
  // Four at once fill a batch; one of them makes the model throw.
  std::vector<std::unique_ptr<ClientConnection>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<ClientConnection>(port));
  for (int i = 0; i < 4; ++i) {
    const std::string body = R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[)" +
                             std::to_string(i == 2 ? 5000 : i) + ",0]}]}";
    clients[i]->Send("POST /v2/models/touchy/infer HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  for (int i = 0; i < 4; ++i) {
    const Reply reply = clients[i]->Receive();
    EXPECT_EQ(reply.status, i == 2 ? 400 : 200) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(i == 2 ? "too large for me" : "outputs"));
  }
  EXPECT_THAT(clients[0]->Get("/metrics").body,
              HasSubstr("penstock_serve_batch_rows_count{model=\"touchy\",version=\"3\"} 1\n"));
}

TEST_F(Server, StaysUnreadyWhenAnExampleIsAnsweredWrong) {
  model::WriteMlp(folder_);
  model::BreakSecondExample(folder_);
  ServerProcess& process = Start();
  const std::string line = process.WaitForLog("ready: ");
  EXPECT_THAT(line, HasSubstr("not ready: example 2: output 'y'"));
  ClientConnection client(process.port());
  const Reply ready = client.Get("/v2/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("example 2: output 'y'"));
  EXPECT_EQ(client.Get("/v2/health/live").status, 200);
  EXPECT_EQ(client.Post("/v2/models/mlp/infer", "{}").status, 503);
}

TEST_F(Server, EndsWithCode3WhenAskedToAndTheModelDoesNotLoad) {
  EXPECT_EQ(Start({"--exit-on-load-failure"}).Wait(), 3);
}

TEST_F(Server, TellsWhyTheModelDoesNotLoadWithoutTheLinesOfItsLogBefore) {
  model::WriteMlp(folder_);
  model::BreakSecondExample(folder_);
  const std::string file = folder_ + "-termination-log";
  std::ofstream(file) << "";  // as kubelet makes it
  EXPECT_EQ(Start({"--exit-on-load-failure", "--termination-log", file}).Wait(), 3);
  std::ifstream in(file);
  const std::string why((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::filesystem::remove(file);
  EXPECT_THAT(why, StartsWith("example 2: output 'y'"));
}

TEST_F(Server, DrainsOnSigterm) {
  model::WriteTouchy(folder_);
  ServerProcess& process = StartReady({"--drain-delay", "60s", "--max-delay", "2s"});
  ClientConnection idle(process.port());
  ClientConnection busy(process.port());
  EXPECT_EQ(idle.Get("/v2/health/ready").status, 200);
  process.Signal(SIGTERM);
  (void)process.WaitForLog("shutting down");
  // Still accepts, says it is not ready, and asks clients to leave.
  Reply ready;
  do {
    ClientConnection fresh(process.port());
    ready = fresh.Get("/v2/health/ready");
  } while (ready.status == 200);
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.head, HasSubstr("Connection: close"));
  const std::string body =
      R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,0]}]})";
  busy.Send("POST /v2/models/touchy/infer HTTP/1.1\r\nHost: a\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
  std::string queued;
  do {  // the request waits in the queue for others: 2 s
    ClientConnection metrics(process.port());
    queued = metrics.Get("/metrics").body;
  } while (queued.find("penstock_serve_queued_requests 1") == std::string::npos);
  process.Signal(SIGTERM);  // the second one ends the delay
  const Reply reply = busy.Receive();
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_EQ(process.Wait(), 0);
}

TEST_F(Server, SpeaksBinaryTensorsGzipAndTensorFlowServing) {
  model::WriteTouchy(folder_);
  ClientConnection client(StartReady().port());
  const std::string json =
      R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]})";
  const float values[2] = {1.5F, -2};
  const Reply binary =
      client.Post("/v2/models/touchy/infer",
                  json + std::string(reinterpret_cast<const char*>(values), sizeof(values)),
                  "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n");
  ASSERT_EQ(binary.status, 200) << binary.body;
  EXPECT_EQ(Json::parse(binary.body)["outputs"][0]["data"], Json::array({3.0, -4.0}));
  const Reply predict =
      client.Post("/v1/models/touchy:predict", R"({"instances":[[1,2],{"x":[3,4]}]})");
  ASSERT_EQ(predict.status, 200) << predict.body;
  EXPECT_EQ(Json::parse(predict.body), (Json{{"predictions", {{2.0, 4.0}, {6.0, 8.0}}}}));
}

TEST_F(Server, SendsSpansToACollector) {
  model::WriteTouchy(folder_);
  Collector collector;
  ClientConnection client(
      StartReady({"--otlp-endpoint", "http://127.0.0.1:" + std::to_string(collector.port())})
          .port());
  (void)client.Post("/v1/models/touchy:predict", R"({"instances":[[1,2]]})",
                    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
  const std::string request = collector.Receive();
  EXPECT_THAT(request, testing::StartsWith("POST /v1/traces HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_THAT(request, HasSubstr("\"predict\""));
  EXPECT_THAT(request, HasSubstr("\"compute\""));
}

}  // namespace
}  // namespace penstock::serve
