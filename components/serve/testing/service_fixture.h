// A service over the doubling model "m", version 3, and ways to call it. For tests.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "components/serve/protocol/service.h"
#include "components/serve/testing/fake_model.h"
#include "operator/base/json.h"

namespace penstock::serve {

inline constexpr const char* kInfer = "/v2/models/m/infer";
inline constexpr const char* kBody =
    R"({"inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","data":[1,2]}]})";

class ServiceTest : public testing::Test {
 protected:
  void Publish() { inference_.Publish({"m", "3"}, model_); }

  HttpResponse Call(HttpRequest request) {
    std::promise<HttpResponse> promise;
    service_.Handle(std::move(request),
                    [&](HttpResponse response) { promise.set_value(std::move(response)); });
    return promise.get_future().get();
  }
  HttpResponse Get(const std::string& target) { return Call({.method = "GET", .target = target}); }
  HttpResponse Post(const std::string& body, const std::string& target = kInfer) {
    return Call(
        {.method = "POST", .target = target, .content_type = "application/json", .body = body});
  }

  SystemClock clock_;
  Metrics metrics_;
  std::shared_ptr<DoublingModel> model_ = std::make_shared<DoublingModel>();
  Service::Options options_{.server_version = "1.0", .body_bytes = 100'000};
  Inference inference_{
      {.model_name = "m", .model_version = "3", .max_rows = 100}, &clock_, &metrics_};
  Service service_{options_, &inference_, &clock_, &metrics_};
};

}  // namespace penstock::serve
