// The whole way of a request, sockets to answer, on threads that read and compute at once: what the
// sanitizers are to see of the loops, the batches and the figures that they share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "components/serve/http/http_server.h"
#include "components/serve/protocol/service.h"
#include "components/serve/testing/fake_model.h"
#include "components/serve/testing/server_process.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

using testing::HasSubstr;

constexpr int kClients = 8;
constexpr int kRequests = 60;
constexpr int kPoison = 666;  // what DoublingModel throws at
constexpr const char* kTarget = "/v2/models/m/infer";

std::string BodyOf(int value) {
  return R"({"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[)" +
         std::to_string(value) + "]}]}";
}

class HttpLoadTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = HttpServer::Start({"127.0.0.1", 0, 2, {}, true, std::chrono::microseconds(50)},
                                     &service_, &metrics_);
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  // Asks kRequests times over one connection and counts the right answers.
  void Ask(int client, int* answered) {
    ClientConnection connection(server_->port());
    for (int i = 0; i < kRequests; ++i) {
      const int value = i % 20 == 7 ? kPoison : client * 1000 + i;
      const Reply reply = connection.Post(kTarget, BodyOf(value));
      if (value == kPoison) {
        *answered += reply.status == 400 ? 1 : 0;
      } else {
        *answered +=
            reply.status == 200 && Json::parse(reply.body)["outputs"][0]["data"][0] == 2.0 * value
                ? 1
                : 0;
      }
    }
  }

  SystemClock clock_;
  Metrics metrics_;
  Inference inference_{
      {.model_name = "m", .model_version = "1", .instances = 2}, &clock_, &metrics_};
  Service service_{{.server_version = "1", .body_bytes = 1000}, &inference_, &clock_, &metrics_};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpLoadTest, EveryClientGetsItsOwnAnswers) {
  inference_.Publish({"m", "1"}, std::make_shared<DoublingModel>());
  std::vector<int> answered(kClients);
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i)
    clients.emplace_back([&, i] { Ask(i, &answered[static_cast<std::size_t>(i)]); });
  {
    ClientConnection watching(server_->port());
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(watching.Get("/metrics").status, 200);
      EXPECT_EQ(watching.Get("/v2/models/m/stats").status, 200);
    }
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(answered, testing::Each(kRequests));
}

TEST_F(HttpLoadTest, StopsBetweenRequestsWithoutLosingOne) {
  inference_.Publish({"m", "1"}, std::make_shared<DoublingModel>());
  std::vector<std::thread> clients;
  std::atomic<int> wrong{0};
  std::atomic<int> begun{0};
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      ClientConnection connection(server_->port());
      for (;;) {
        const Reply reply = connection.Post(kTarget, BodyOf(i));
        ++begun;
        if (reply.status != 200) ++wrong;
        if (reply.status != 200 || reply.head.find("Connection: close") != std::string::npos)
          return;
      }
    });
  }
  while (begun < 4 * kClients) std::this_thread::yield();
  inference_.BeginDrain();
  server_->CloseAfterResponses();
  for (std::thread& client : clients) client.join();
  server_->StopAccepting();
  EXPECT_TRUE(server_->WaitUntilIdle(std::chrono::seconds(20)));
  inference_.Stop();
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(metrics_.Text(), HasSubstr("penstock_serve_ready 0"));
}

}  // namespace
}  // namespace penstock::serve
