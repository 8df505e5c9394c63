// A gateway whose disk or process fails it.
#include <filesystem>

#include "operator/gateway/testing/gateway_fixture.h"
#include "operator/os/testing/exhaustion.h"

namespace penstock::gateway {
namespace {
namespace fs = std::filesystem;
using net::HttpRequest;
using net::HttpResponse;

TEST_F(GatewayTest, AFileThatCannotBeOpenedNowIsNoneThatIsGone) {
  gateway_->Start();
  ASSERT_EQ(Put("content").status, 201);
  auto client = Client();
  const HttpRequest get = Request("GET", BlobPath("content"));
  ASSERT_EQ(client->Send(get, kLimits)->status, 200);
  Result<HttpResponse> reply = client->Send(get, kLimits);
  // Again where a connection that ended just then gave a descriptor back.
  for (int i = 0; i < 100 && reply && reply->status == 200; ++i) {
    const Exhaustion exhaustion(0);
    reply = client->Send(get, kLimits);
  }
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 503);
  EXPECT_NE(ErrorText(*reply).find("Too many open files"), std::string::npos) << ErrorText(*reply);
  EXPECT_EQ(client->Send(get, kLimits)->body, "content");
}

TEST_F(GatewayTest, ADiskThatDoesNotAnswerIsTheStoresFaultAndNoAbsence) {
  gateway_->Start();
  ASSERT_EQ(Put("content").status, 201);
  const fs::path blob = gateway_->store.BlobPath("ns", "sha256:" + Sha256Hex("content")).value();
  fs::remove(blob);
  fs::create_symlink(blob.filename(), blob);  // in a circle
  for (const char* method : {"GET", "HEAD", "PUT"}) {
    HttpRequest r = Request(method, BlobPath("content"));
    if (r.method == "PUT") SetBody(r, "content");
    EXPECT_EQ(Send(r).status, 500) << method;
  }
}

}  // namespace
}  // namespace penstock::gateway
