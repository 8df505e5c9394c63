// MLflow's routes over a database and a store of a test's own, asked without a network.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/gateway/mlflow/mlflow_routes.h"

namespace penstock::gateway {

// One request and its answer.
class MlflowSent : public net::Exchange {
 public:
  MlflowSent(std::string method, std::string path, std::string body, std::string token)
      : method_(std::move(method)), body_(std::move(body)), token_(std::move(token)) {
    const auto mark = path.find('?');
    path_ = path.substr(0, mark);
    if (mark != std::string::npos) query_ = path.substr(mark + 1);
  }
  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string& name) const override {
    return name == "Authorization" && !token_.empty() ? "Bearer " + token_ : "";
  }
  std::optional<std::uint64_t> ContentLength() const override { return body_.size(); }
  bool ExpectsContinue() const override { return false; }
  std::stop_token stop() const override { return {}; }
  Result<std::string_view> ReadBody() override {
    const std::string_view rest = std::string_view(body_).substr(read_);
    read_ = body_.size();
    return rest;
  }
  void Respond(int s, const std::string&, const std::string& b, const net::Headers&) override {
    status = s;
    answer = Json::parse(b);
    text = b;
  }
  void RespondFile(int s, const std::filesystem::path& file, std::uint64_t offset,
                   std::uint64_t length, const net::Headers&) override {
    status = s;
    text = ReadFile(file)->substr(offset, length);
  }
  void RespondStream(int, std::uint64_t, const net::Headers&,
                     const std::function<Result<void>(const Take&)>&) override {
    FAIL();
  }
  bool BeginStream(int, const std::string&, const net::Headers&) override { return false; }
  bool SendPiece(std::string_view) override { return false; }

  int status = 0;
  Json answer;
  std::string text;

 private:
  std::string method_, path_, query_, body_, token_;
  std::size_t read_ = 0;
};

// Alice may do all in `team`, Rita only read there.
class MlflowPeople : public Access {
 public:
  Result<Caller> WhoIs(net::Exchange& x) override {
    const std::string token = x.Header("Authorization").substr(7);
    if (token == "alice" || token == "rita") return Caller{token, {}, token};
    Error e;
    e.kind = ErrorKind::kForbidden;
    e.message = "the token is not accepted";
    return e;
  }
  Result<bool> May(const Caller& caller, const std::string& ns, const Right& right,
                   const std::stop_token&) override {
    return ns == "team" && right.resource == "pipelineruns" &&
           (caller.user == "alice" || right.verb == "list");
  }
};

class MlflowRoutes : public ::testing::Test {
 protected:
  MlflowRoutes() {
    std::string name = (std::filesystem::temp_directory_path() / "penstock-mlflow-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    tracking_ =
        std::make_unique<metadata::Tracking>(metadata::SqliteFile(folder_ / "metadata.sqlite"));
    store_ = std::make_unique<artifacts::Store>(folder_ / "store");
    AddMlflow(router_, {tracking_.get(), &access_, &bodies_, &clock_, {}, store_.get()});
  }
  ~MlflowRoutes() override {
    tracking_.reset();
    std::filesystem::remove_all(folder_);
  }

  // The answer; its status in status_.
  Json Ask(const std::string& method, const std::string& target, const std::string& body = "",
           const std::string& token = "alice", const std::string& ns = "team") {
    MlflowSent sent(method, "/mlflow/" + ns + "/api/2.0/mlflow/" + target, body, token);
    router_.Dispatch(sent);
    status_ = sent.status;
    return sent.answer;
  }
  Json Post(const std::string& target, const Json& body) {
    return Ask("POST", target, body.dump());
  }
  std::string NewRun(const Json& more = Json::object()) {
    Json body{{"experiment_id", "0"}, {"start_time", 1'700'000'000'000}};
    body.update(more);
    return Post("runs/create", body)["run"]["info"].value("run_id", "");
  }
  std::string NewModel(const Json& more = Json::object()) {
    Json body{{"experiment_id", "0"}, {"name", "forest"}};
    body.update(more);
    return Post("logged-models", body)["model"]["info"].value("model_id", "");
  }
  // A file at a place of the API, as "0/{run}/artifacts/a.txt".
  void Put(const std::string& place, const std::string& bytes) {
    MlflowSent sent("PUT", "/mlflow/team/api/2.0/mlflow-artifacts/artifacts/" + place, bytes,
                    "alice");
    router_.Dispatch(sent);
    status_ = sent.status;
  }
  std::string Got(const std::string& place) {
    MlflowSent sent("GET", "/mlflow/team/api/2.0/mlflow-artifacts/artifacts/" + place, "", "alice");
    router_.Dispatch(sent);
    status_ = sent.status;
    return sent.text;
  }
  // A logged model with a file, ready to be registered.
  std::string ReadyModel(const Json& more = Json::object()) {
    const std::string model = NewModel(more);
    Put("0/models/" + model + "/artifacts/MLmodel", "flavors: {}");
    return model;
  }
  Json DataOf(const std::string& run) {
    return Ask("GET", "runs/get?run_id=" + run)["run"]["data"];
  }

  std::filesystem::path folder_;
  SystemClock clock_;
  MlflowPeople access_;
  BodyBudget bodies_{1ULL << 30};
  std::unique_ptr<metadata::Tracking> tracking_;
  std::unique_ptr<artifacts::Store> store_;
  Router router_;
  int status_ = 0;
};

}  // namespace penstock::gateway
