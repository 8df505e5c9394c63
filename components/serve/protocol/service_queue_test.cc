// The queue as a client meets it: what waits together, what is turned away, and with which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "components/serve/engine/inference.h"
#include "components/serve/testing/service_fixture.h"

namespace penstock::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kOneRow =
    R"({"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}]})";

// A service over a model whose first run waits until it is let go.
class Queue : public testing::Test {
 protected:
  void Publish(bool batched, BatchPolicy batching) {
    model_ = std::make_shared<DoublingModel>(batched);
    model_->before_run = [this] {
      if (held_.exchange(true)) return;
      entered_.set_value();
      released_.get_future().wait();
    };
    inference_ =
        std::make_unique<Inference>(Inference::Options{.batching = batching}, &clock_, &metrics_);
    service_ = std::make_unique<Service>(Service::Options{}, inference_.get(), &clock_, &metrics_);
    inference_->Publish({"m", "3"}, model_);
  }
  std::future<HttpResponse> Send(HttpRequest request = {}) {
    request.method = "POST";
    request.target = kInfer;
    if (request.body.empty()) request.body = kOneRow;
    auto promise = std::make_shared<std::promise<HttpResponse>>();
    service_->Handle(std::move(request),
                     [promise](HttpResponse response) { promise->set_value(std::move(response)); });
    return promise->get_future();
  }
  // The first request is being computed now.
  std::future<HttpResponse> SendFirst() {
    auto first = Send();
    entered_.get_future().wait();
    return first;
  }

  SystemClock clock_;
  Metrics metrics_;
  std::shared_ptr<DoublingModel> model_;
  std::atomic<bool> held_{false};
  std::promise<void> entered_;
  std::promise<void> released_;
  std::unique_ptr<Inference> inference_;
  std::unique_ptr<Service> service_;
};

TEST_F(Queue, ComputesTogetherWhatWaitsWithoutWaitingForMore) {
  Publish(true, {});
  auto first = SendFirst();
  auto second = Send();
  auto third = Send();
  released_.set_value();
  EXPECT_EQ(first.get().status, 200);
  EXPECT_EQ(second.get().status, 200);
  EXPECT_EQ(third.get().status, 200);
  EXPECT_THAT(model_->batches(), ElementsAre(1, 2));
}

TEST_F(Queue, ComputesRequestsOfAModelWithoutABatchAxisOneByOne) {
  Publish(false, {});
  auto first = SendFirst();
  auto second = Send();
  auto third = Send();
  released_.set_value();
  EXPECT_EQ(second.get().status, 200);
  EXPECT_EQ(third.get().status, 200);
  EXPECT_THAT(model_->batches(), ElementsAre(1, 1, 1));
}

TEST_F(Queue, TurnsAwayWhatItHasNoRoomForAndSaysWhenToComeBack) {
  Publish(true, {.queue_limit = 1});
  auto first = SendFirst();
  auto second = Send();
  const HttpResponse third = Send().get();
  EXPECT_EQ(third.status, 429);
  EXPECT_THAT(third.headers, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(third.body, HasSubstr("queue is full"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("penstock_serve_rejected_total{model=\"m\","
                                         "reason=\"queue_full\",version=\"3\"} 1"));
  released_.set_value();
  EXPECT_EQ(second.get().status, 200);
}

TEST_F(Queue, CountsWhyARequestWasNotComputed) {
  Publish(true, {});
  auto first = SendFirst();
  auto gone = std::make_shared<std::atomic<bool>>(false);
  auto late = Send({.timeout_ms = "1"});
  auto left = Send({.cancelled = gone});
  *gone = true;
  const auto begin = clock_.Steady();
  while (clock_.Steady() - begin < std::chrono::milliseconds(2)) std::this_thread::yield();
  released_.set_value();
  EXPECT_EQ(late.get().status, 504);
  EXPECT_EQ(left.get().status, 499);
  for (const char* reason : {"expired", "cancelled"}) {
    EXPECT_THAT(metrics_.Text(),
                HasSubstr(std::string("reason=\"") + reason + "\",version=\"3\"} 1"));
  }
  EXPECT_EQ(first.get().status, 200);
  EXPECT_THAT(model_->batches(), ElementsAre(1));
}

}  // namespace
}  // namespace penstock::serve
