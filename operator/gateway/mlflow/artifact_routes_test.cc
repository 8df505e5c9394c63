#include "operator/gateway/mlflow/artifact_routes.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "operator/artifacts/s3/objects_by_namespace.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/metadata/query.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// One request, whose body comes in pieces.
class Sent : public net::Exchange {
 public:
  Sent(std::string method, const std::string& target, std::string body, std::string token)
      : method_(std::move(method)), body_(std::move(body)), token_(std::move(token)) {
    const auto mark = target.find('?');
    path_ = target.substr(0, mark);
    if (mark != std::string::npos) query_ = target.substr(mark + 1);
  }
  const std::string& method() const override { return method_; }
  const std::string& path() const override { return path_; }
  const std::string& query() const override { return query_; }
  std::string Header(const std::string& name) const override {
    return name == "Authorization" && !token_.empty() ? "Bearer " + token_ : "";
  }
  std::optional<std::uint64_t> ContentLength() const override { return length; }
  bool ExpectsContinue() const override { return false; }
  std::stop_token stop() const override { return {}; }
  Result<std::string_view> ReadBody() override {
    if (read_ >= breaks_after) return Transient("the connection broke");
    const auto piece = std::string_view(body_).substr(read_, 70'000);
    read_ += piece.size();
    return piece;
  }
  void Respond(int s, const std::string&, const std::string& b, const net::Headers&) override {
    status = s;
    text = b;
  }
  void RespondFile(int s, const fs::path& file, std::uint64_t offset, std::uint64_t length_,
                   const net::Headers& h) override {
    status = s;
    headers = h;
    text = ReadFile(file)->substr(offset, length_);
  }
  void RespondStream(int s, std::uint64_t, const net::Headers& h,
                     const std::function<Result<void>(const Take&)>& write) override {
    status = s;
    headers = h;
    ASSERT_TRUE(write([&](std::string_view piece) {
      text += piece;
      return Result<void>();
    }));
  }
  bool BeginStream(int, const std::string&, const net::Headers&) override { return false; }
  bool SendPiece(std::string_view) override { return false; }

  std::optional<std::uint64_t> length;
  std::size_t breaks_after = SIZE_MAX;
  [[nodiscard]] std::size_t read() const { return read_; }
  int status = 0;
  std::string text;
  net::Headers headers;

 private:
  std::string method_, path_, query_, body_, token_;
  std::size_t read_ = 0;
};

// Alice may do all in `team` and `other`, Rita only read in `team`; root may do all everywhere.
class ThreePeople : public Access {
 public:
  Result<Caller> WhoIs(net::Exchange& x) override {
    const std::string token = x.Header("Authorization").substr(7);
    if (token == "alice" || token == "rita" || token == "root") return Caller{token, {}, token};
    Error e;
    e.kind = ErrorKind::kForbidden;
    e.message = "the token is not accepted";
    return e;
  }
  Result<bool> May(const Caller& caller, const std::string& ns, const Right& right,
                   const std::stop_token&) override {
    if (right.resource != "pipelineruns") return false;
    if (caller.user == "root") return true;
    if (caller.user == "alice") return ns == "team" || ns == "other";
    return ns == "team" && right.verb == "list";
  }
};

class MlflowArtifacts : public ::testing::Test {
 protected:
  MlflowArtifacts() {
    std::string name = (fs::temp_directory_path() / "penstock-mlflow-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    tracking_ =
        std::make_unique<metadata::Tracking>(metadata::SqliteFile(folder_ / "metadata.sqlite"));
    store_ = std::make_unique<artifacts::Store>(folder_ / "store");
    Serve(0);
    run_ = NewRun("team");
  }
  ~MlflowArtifacts() override {
    tracking_.reset();
    fs::remove_all(folder_);
  }
  void Serve(std::uint64_t max_file_bytes) {
    router_ = std::make_unique<Router>();
    AddMlflow(*router_,
              {tracking_.get(), &access_, &bodies_, &clock_, {}, store_.get(), max_file_bytes});
  }
  std::string NewRun(const std::string& ns) {
    Sent sent("POST", "/mlflow/" + ns + "/api/2.0/mlflow/runs/create",
              R"({"experiment_id": "0", "start_time": 1})", "alice");
    router_->Dispatch(sent);
    info_ = Json::parse(sent.text)["run"]["info"];
    return info_.value("run_id", "");
  }
  std::string Place(const std::string& path) { return "0/" + run_ + "/artifacts/" + path; }
  static std::string At(const std::string& place, const std::string& ns = "team") {
    return "/mlflow/" + ns + "/api/2.0/mlflow-artifacts/artifacts" + place;
  }
  // The answer's text; its status in status_.
  std::string Ask(Sent& sent) {
    router_->Dispatch(sent);
    status_ = sent.status;
    return sent.text;
  }
  std::string Put(const std::string& path, const std::string& bytes,
                  const std::string& token = "alice") {
    Sent sent("PUT", At("/" + Place(path)), bytes, token);
    sent.length = bytes.size();
    return Ask(sent);
  }
  std::string Get(const std::string& path, const std::string& token = "alice") {
    Sent sent("GET", At("/" + Place(path)), "", token);
    const std::string text = Ask(sent);
    headers_ = sent.headers;
    return text;
  }
  std::string List(const std::string& path = "") {
    Sent sent("GET", At("?path=0%2F" + run_ + "%2Fartifacts" + path), "", "alice");
    return Ask(sent);
  }
  // Files that are left in the store's scratch.
  int Leftovers() {
    std::error_code none;
    return int(std::distance(fs::directory_iterator(folder_ / "store/team/tmp", none),
                             fs::directory_iterator()));
  }

  fs::path folder_;
  SystemClock clock_;
  ThreePeople access_;
  BodyBudget bodies_{1ULL << 30};
  std::unique_ptr<metadata::Tracking> tracking_;
  std::unique_ptr<artifacts::Store> store_;
  std::unique_ptr<Router> router_;
  std::string run_;
  Json info_;
  net::Headers headers_;
  int status_ = 0;
};

TEST_F(MlflowArtifacts, AFileIsPutListedAndGot) {
  EXPECT_EQ(info_.value("artifact_uri", ""), "mlflow-artifacts:/0/" + run_ + "/artifacts");
  const std::string large(300'000, 'x');
  Put("model/weights.bin", large);
  ASSERT_EQ(status_, 200);
  Put("model/deep/a%20b+%C3%BC.txt", "text");
  Put("note.txt", "");
  ASSERT_EQ(status_, 200);
  EXPECT_EQ(Get("model/weights.bin"), large);
  EXPECT_EQ(status_, 200);
  EXPECT_THAT(headers_, ::testing::Contains(std::pair<std::string, std::string>(
                            "Content-Type", "application/octet-stream")));
  EXPECT_THAT(headers_, ::testing::Contains(std::pair<std::string, std::string>(
                            "X-Content-Type-Options", "nosniff")));
  EXPECT_EQ(Get("model/deep/a%20b+%C3%BC.txt"), "text");
  EXPECT_EQ(Get("note.txt"), "");
  EXPECT_EQ(Json::parse(List()), Json::parse(R"({"files": [{"path": "model", "is_dir": true},
                            {"path": "note.txt", "is_dir": false, "file_size": 0}]})"));
  EXPECT_EQ(Json::parse(List("%2Fmodel")),
            Json::parse(R"({"files": [{"path": "deep", "is_dir": true},
                            {"path": "weights.bin", "is_dir": false, "file_size": 300000}]})"));
  EXPECT_EQ(Json::parse(List("%2Fmodel%2Fweights.bin")), Json::parse(R"({"files": []})"));
  Put("note.txt", "another");
  EXPECT_EQ(Get("note.txt"), "another");
  EXPECT_EQ(Leftovers(), 0);
}

TEST_F(MlflowArtifacts, WhatIsNotThereIsMlflowsError) {
  EXPECT_THAT(Get("none"), HasSubstr("RESOURCE_DOES_NOT_EXIST"));
  EXPECT_EQ(status_, 404);
  run_ = "no-such-run";
  EXPECT_THAT(Put("a", "1"), HasSubstr("RESOURCE_DOES_NOT_EXIST"));
  EXPECT_EQ(status_, 404);
  EXPECT_THAT(List(), HasSubstr("RESOURCE_DOES_NOT_EXIST"));
}

TEST_F(MlflowArtifacts, WhoMayNotIsToldSoAndSendsNoByte) {
  Put("a", "1");
  Put("a", "2", "rita");
  EXPECT_EQ(status_, 403);
  EXPECT_EQ(Get("a", "rita"), "1");
  for (const auto& [token, status] : {std::pair{"", 401}, {"mallory", 401}}) {
    EXPECT_THAT(Get("a", token), HasSubstr("UNAUTHENTICATED"));
    EXPECT_EQ(status_, status);
    Put("a", "2", token);
    EXPECT_EQ(status_, status);
  }
  Sent sent("PUT", At("/" + Place("a")), std::string(200'000, 'x'), "rita");
  sent.length = 200'000;
  Ask(sent);
  EXPECT_EQ(sent.read(), 0U);
  // A run is of its namespace.
  for (const char* method : {"GET", "PUT"}) {
    Sent elsewhere(method, At("/" + Place("a"), "other"), "2", "alice");
    EXPECT_THAT(Ask(elsewhere), HasSubstr("RESOURCE_DOES_NOT_EXIST"));
    Sent closed(method, At("/" + Place("a"), "third"), "2", "alice");
    EXPECT_THAT(Ask(closed), HasSubstr("PERMISSION_DENIED"));
    EXPECT_EQ(status_, 403);
  }
  Sent listed("GET", At("?path=" + Place(""), "third"), "", "alice");
  Ask(listed);
  EXPECT_EQ(status_, 403);
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(MlflowArtifacts, ANamespaceThatCannotBeOneIsNoFolderOfTheStore) {
  for (const char* ns : {"..%2Fx", "%2E%2E", "a%2Fb", "-a", "A"}) {
    Sent run("POST", std::string("/mlflow/") + ns + "/api/2.0/mlflow/runs/create",
             R"({"experiment_id": "0"})", "root");
    EXPECT_THAT(Ask(run), HasSubstr("there is no namespace"));
    EXPECT_EQ(status_, 404);
    Sent put("PUT", At("/" + Place("a"), ns), "1", "root");
    put.length = 1;
    Ask(put);
    EXPECT_EQ(status_, 404) << ns;
  }
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

TEST_F(MlflowArtifacts, APathThatIsNoFilesIsRefused) {
  for (const char* path :
       {"", "..%2Fa", "a/../b", "a//b", "a%5Cb", "a%0Ab", "a%00b", "%FF", "./a"}) {
    Put(path, "1");
    EXPECT_EQ(status_, 400) << path;
  }
  Put("a/b", "1");
  EXPECT_THAT(Put("a", "1"), HasSubstr("a is a folder"));
  EXPECT_THAT(Put("a/b/c", "1"), HasSubstr("a/b is a file there"));
  Sent model("PUT", At("/0/models/m-1/artifacts/MLmodel"), "1", "alice");
  model.length = 1;
  EXPECT_THAT(Ask(model), HasSubstr("no logged model with the id m-1"));
  EXPECT_EQ(status_, 404);
  Sent experiment("GET", At("/1/" + run_ + "/artifacts/a/b"), "", "alice");
  Ask(experiment);
  EXPECT_EQ(status_, 404);
}

TEST_F(MlflowArtifacts, AnUploadThatBreaksLeavesNothing) {
  Sent sent("PUT", At("/" + Place("a")), std::string(200'000, 'x'), "alice");
  sent.length = 200'000;
  sent.breaks_after = 100'000;
  Ask(sent);
  EXPECT_EQ(sent.status, 0);
  EXPECT_EQ(Leftovers(), 0);
  Get("a");
  EXPECT_EQ(status_, 404);
}

TEST_F(MlflowArtifacts, WhatIsTooLargeIsRefusedBeforeItComes) {
  Serve(100);
  Sent sent("PUT", At("/" + Place("a")), std::string(101, 'x'), "alice");
  sent.length = 101;
  EXPECT_THAT(Ask(sent), HasSubstr("over 100 bytes"));
  EXPECT_EQ(status_, 413);
  EXPECT_EQ(sent.read(), 0U);
  Put("a", std::string(100, 'x'));
  EXPECT_EQ(status_, 200);
  Serve(0);
  Sent untold("PUT", At("/" + Place("b")), std::string((64 << 20) + 1, 'x'), "alice");
  EXPECT_THAT(Ask(untold), HasSubstr("does not say its length"));
  EXPECT_EQ(status_, 413);
  Sent empty("PUT", At("/" + Place("b")), "", "alice");  // as requests sends an empty file
  Ask(empty);
  EXPECT_EQ(status_, 200);
  EXPECT_EQ(Leftovers(), 0);
}

TEST_F(MlflowArtifacts, AStoreThatIsFullSaysSoAndIsNotAskedAgain) {
  class Full : public artifacts::ObjectsByNamespace {
   public:
    explicit Full(ObjectsPtr all) : ObjectsByNamespace(std::move(all), {}) {}
    Result<void> HasRoomFor(const std::string&, std::uint64_t bytes) const override {
      if (bytes < 10) return {};
      Error e = Invalid("the quota of the namespace team is full");
      e.kind = ErrorKind::kNoSpace;
      return e;
    }
  };
  store_ = std::make_unique<artifacts::Store>(
      store_->Behind(std::make_shared<Full>(store_->shared_objects())));
  Serve(0);
  EXPECT_THAT(Put("a", std::string(10, 'x')), HasSubstr("the quota of the namespace"));
  EXPECT_EQ(status_, 507);
  Put("a", "small");
  EXPECT_EQ(status_, 200);
}

TEST_F(MlflowArtifacts, WhatARunHoldsIsReferredToHoweverLongAgoItEnded) {
  Put("a", "kept");
  const metadata::Query query(metadata::SqliteFile(folder_ / "metadata.sqlite"));
  std::string texts;
  const auto each = query.EachKept(
      "team", clock_.Now() + std::chrono::hours(24),
      {.text = [&](const std::string& text) { texts += text; }, .spec = [](const Json&) {}});
  ASSERT_TRUE(each) << each.error().message;
  EXPECT_THAT(texts, HasSubstr("sha256:" + Sha256Hex("kept")));
}

TEST_F(MlflowArtifacts, NothingIsDeletedAndADeletedRunTakesNothing) {
  Put("a", "1");
  Sent remove("DELETE", At("/" + Place("a")), "", "alice");
  EXPECT_THAT(Ask(remove), HasSubstr("NOT_IMPLEMENTED"));
  EXPECT_EQ(status_, 501);
  Sent sent("POST", "/mlflow/team/api/2.0/mlflow/runs/delete", R"({"run_id": ")" + run_ + "\"}",
            "alice");
  Ask(sent);
  EXPECT_THAT(Put("b", "1"), HasSubstr("is deleted; restore it first"));
}

TEST_F(MlflowArtifacts, AFileThatTheStoreHasLostIsAnError) {
  Put("a", "1");
  fs::remove_all(folder_ / "store/team/blobs");
  EXPECT_THAT(Get("a"), HasSubstr("has not kept the file a"));
  EXPECT_EQ(status_, 500);
}

}  // namespace
}  // namespace penstock::gateway
