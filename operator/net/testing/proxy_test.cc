#include "operator/net/proxy.h"

#include <gtest/gtest.h>

#include "operator/base/base64.h"

namespace penstock::net {
namespace {

Url Server(const std::string& text) { return ParseUrl(text).value(); }

TEST(Proxy, NoProxyExceptsAsGoAndKubectlReadIt) {
  const struct {
    const char* server;
    const char* no_proxy;
    bool excepted;
  } cases[] = {
      {"https://api.example.com:6443", "", false},
      {"https://api.example.com:6443", "*", true},
      {"https://api.example.com:6443", "other, * ", true},
      {"https://api.example.com:6443", "example.com", true},
      {"https://API.example.com:6443", " Example.COM ,x", true},
      {"https://example.com:6443", "example.com", true},
      {"https://example.com:6443", ".example.com", false},
      {"https://api.example.com:6443", ".example.com", true},
      {"https://api.example.com:6443", "*.example.com", true},
      {"https://myexample.com:6443", "example.com", false},
      {"https://api.example.com:6443", "example.com:6443", true},
      {"https://api.example.com:6443", "example.com:443", false},
      {"https://api.example.com", "example.com:443", true},
      {"https://10.1.2.3:6443", "10.0.0.0/8", true},
      {"https://11.1.2.3:6443", "10.0.0.0/8", false},
      {"https://10.1.2.3:6443", "10.1.2.0/25,10.1.2.3/32", true},
      {"https://10.1.2.3:6443", "10.1.2.3", true},
      {"https://10.1.2.3:6443", "10.1.2.3:6443", true},
      {"https://10.1.2.3:6443", "10.1.2.3:443", false},
      {"https://[fd00::7]:6443", "fd00::/8", true},
      {"https://[fd00::7]:6443", "fd00:0::7", true},
      {"https://[fd00::7]:6443", "[fd00::7]:6443", true},
      {"https://[fd00::7]:6443", "[fd00::7]:443", false},
      {"https://[fd00::7]:6443", "0.0.0.0/0", false},
      {"https://10.1.2.3:6443", "10.0.0.0/99,10.0.0.0/x,/8", false},
      {"https://name.of.10.1.2.3:6443", "10.0.0.0/8", false},
      {"https://localhost:6443", "", true},
      {"https://127.0.0.9:6443", "", true},
      {"https://[::1]:6443", "", true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(IsExcepted(Server(c.server), c.no_proxy), c.excepted)
        << c.server << " with NO_PROXY=" << c.no_proxy;
}

TEST(Proxy, TheEnvironmentIsReadByTheServersSchemeAndInCapitalsFirst) {
  const std::map<std::string, std::string> both{{"HTTPS_PROXY", "http://upper:1"},
                                                {"https_proxy", "http://lower:2"},
                                                {"HTTP_PROXY", "plain:3"},
                                                {"no_proxy", "near.example"}};
  EXPECT_EQ(ProxyFromEnvironment(Server("https://far.example"), both).value()->url.host, "upper");
  const auto plain = ProxyFromEnvironment(Server("http://far.example"), both).value();
  EXPECT_EQ(plain->url.host, "plain");
  EXPECT_EQ(plain->url.port, 3);
  EXPECT_FALSE(ProxyFromEnvironment(Server("https://near.example"), both).value());
  EXPECT_EQ(ProxyFromEnvironment(Server("https://far.example"), {{"https_proxy", "http://l:2"}})
                .value()
                ->url.port,
            2);
  EXPECT_FALSE(ProxyFromEnvironment(Server("https://far.example"), {{"HTTP_PROXY", "p"}}).value());
}

TEST(Proxy, UserAndPasswordAreKeptApartAndStandInNoError) {
  const auto proxy = ParseProxy("https://me:p%40ss@proxy.example:3129/ignored");
  ASSERT_TRUE(proxy) << proxy.error().message;
  EXPECT_TRUE(proxy->url.tls);
  EXPECT_EQ(proxy->url.authority, "proxy.example:3129");
  EXPECT_EQ(proxy->authorization, "Basic " + EncodeBase64("me:p@ss"));
  for (const char* wrong : {"https://me:secret@proxy:x", "socks5://me:secret@proxy:1",
                            "me:secret@proxy", "http://me:secret@"}) {
    const auto refused = ParseProxy(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos) << refused.error().message;
  }
  EXPECT_NE(ParseProxy("socks5://proxy:1").error().message.find("socks5"), std::string::npos);
}

TEST(Proxy, AVariableThatCannotBeUsedIsNamed) {
  const auto refused =
      ProxyFromEnvironment(Server("https://far.example"), {{"https_proxy", "socks5://proxy:1080"}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("https_proxy"), std::string::npos);
}

}  // namespace
}  // namespace penstock::net
