// What tests of the launcher against the gateway do not reach.
#include <gmock/gmock.h>

#include <filesystem>

#include "operator/artifacts/transport.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::artifacts {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(HttpsTransport, ADownloadThatWasCutExactlyAtItsEndIsWhole) {
  const std::string content = "a,b\n1,2\n";
  const net::FakeIdentity identity = net::MakeFakeIdentity();
  std::string second;
  net::FakeServer server(
      [&](net::FakeConnection& c) {
        const std::string request = c.ReadRequest();
        if (c.index() > 0) {
          second = request;
          return c.Answer(416, "");
        }
        // No length, as proxies answer: the end is the connection's, and it is cut.
        c.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n" + content + "\r\n");
      },
      &identity);
  TaskStore store;
  store.url = server.url();
  store.ca_pem = identity.certificate_pem;
  auto transport = MakeTransport(store, TransportOptions());
  ASSERT_TRUE(transport) << transport.error().message;
  std::string folder = (fs::temp_directory_path() / "penstock-transport-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const fs::path target = fs::path(folder) / "data.csv";
  const auto done =
      (*transport)->Fetch({"sha256:" + Sha256Hex(content), false, content.size()}, target);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_THAT(second, HasSubstr("Range: bytes=8-\r\n"));
  EXPECT_EQ(ReadFile(target).value_or(""), content);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace penstock::artifacts
