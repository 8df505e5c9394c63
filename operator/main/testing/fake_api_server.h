// An API server that answers the whole operator what it must and leaves open what it can: one
// Lease, lists of nothing but two runs, and writes that are taken as they come. Whoever has a token
// may do anything. For tests of the program itself.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>

#include "operator/base/json.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::main {

using net::FakeConnection;

inline std::string RunOf(const std::string& name, const std::string& step) {
  return R"({"apiVersion": "penstock.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": ")" +
         name + R"(", "uid": "u-)" + name +
         R"(", "namespace": "team", "resourceVersion": "2", "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"pipelineSpec": {"steps": [{"name": "only", )" +
         step + "}]}}}";
}

// One whose code comes from a ConfigMap that is never answered, and one whose input is at an
// address where nobody is.
inline std::string Runs() {
  return RunOf("code", R"("container": {"image": "tool:1", "command": ["tool"],
                                        "code": {"configMap": {"name": "silent"}}})") +
         "," + RunOf("far", R"("container": {"image": "tool:1", "command": ["tool"]},
                         "inputs": {"data": "http://192.0.2.1/data.csv"},
                         "outputs": [{"name": "out", "type": "dataset"}])");
}

class FakeApiServer {
 public:
  // Blocks until the request has come that is never answered.
  void AwaitHangingRead() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [this] { return hanging_; });
    EXPECT_TRUE(hanging_) << "the ConfigMap was never asked for";
  }
  std::string Holder() {
    const std::lock_guard lock(mutex_);
    return lease_.is_object() ? lease_["spec"].value("holderIdentity", "?") : "no lease";
  }
  [[nodiscard]] std::string url() const { return server_.url(); }
  std::string Asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  static constexpr const char* kKnown =
      R"({"status":{"authenticated":true,"user":{"username":"alice","groups":["people"]}}})";

  static bool Asks(const std::string& request, const std::string& what) {
    return request.substr(0, request.find("\r\n")).find(what) != std::string::npos;
  }

  void Serve(FakeConnection& c) {
    for (std::string request = c.ReadRequest(); !request.empty(); request = c.ReadRequest()) {
      {
        const std::lock_guard lock(mutex_);
        asked_ += request.substr(0, request.find("\r\n")) + "\n";
      }
      if (Asks(request, "sendInitialEvents")) {
        c.Answer(400, R"({"kind":"Status","code":400,"message":"no streaming lists"})");
      } else if (Asks(request, "watch=")) {
        c.BeginChunked();
        return c.WaitClosed();
      } else if (Asks(request, "/leases")) {
        Lease(c, request);
      } else if (Asks(request, "GET ") && Asks(request, "/configmaps/silent")) {
        {
          const std::lock_guard lock(mutex_);
          hanging_ = true;
        }
        changed_.notify_all();
        return c.WaitClosed();
      } else {
        Rest(c, request);
      }
    }
  }

  void Lease(FakeConnection& c, const std::string& request) {
    const std::lock_guard lock(mutex_);
    if (!Asks(request, "GET ")) {
      Json sent = Json::parse(request.substr(request.find("\r\n\r\n") + 4));
      const std::string seen = sent["metadata"].value("resourceVersion", "");
      const std::string now = lease_.is_null() ? "" : std::to_string(version_);
      if (seen != now) return c.Answer(409, R"({"kind":"Status","code":409,"reason":"Conflict"})");
      lease_ = std::move(sent);
      lease_["metadata"]["resourceVersion"] = std::to_string(++version_);
    }
    if (lease_.is_null()) return c.Answer(404, R"({"kind":"Status","code":404})");
    c.Answer(200, lease_.dump());
  }

  // Lists of nothing but the runs; writes are taken as they come.
  static void Rest(FakeConnection& c, const std::string& request) {
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    if (Asks(request, "/tokenreviews")) return c.Answer(201, kKnown);
    if (Asks(request, "accessreviews")) return c.Answer(201, R"({"status":{"allowed":true}})");
    if (!Asks(request, "GET ")) return c.Answer(200, body.empty() ? "{}" : body);
    const bool runs = Asks(request, "/pipelineruns");
    const std::string version = Asks(request, "penstock.dev") ? "penstock.dev/v1alpha1" : "v1";
    c.Answer(200, R"({"kind":"List","apiVersion":")" + version +
                      R"(","metadata":{"resourceVersion":"1"},"items":[)" + (runs ? Runs() : "") +
                      "]}");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool hanging_ = false;
  std::string asked_;  // the first line of each request
  Json lease_;
  int version_ = 1;
  net::FakeServer server_{
      [this](FakeConnection& c) { Serve(c); }};  // last: its threads use the rest
};

}  // namespace penstock::main
