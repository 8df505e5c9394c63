#include "operator/net/url.h"

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

TEST(ParseUrl, TakesAUrlApart) {
  const Url url = ParseUrl("https://[::1]:8443/a/b?c=d#e").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(url.authority, "[::1]:8443");
  EXPECT_EQ(url.Origin(), "https://[::1]:8443");
}

TEST(ParseUrl, KnowsThePortThatIsLeftOut) {
  EXPECT_EQ(ParseUrl("http://h").value().port, 80);
  EXPECT_EQ(ParseUrl("https://h?q").value().port, 443);
  EXPECT_EQ(ParseUrl("https://h?q").value().target, "/?q");
  EXPECT_EQ(ParseUrl("http://[::1]", 4318).value().port, 4318);
  EXPECT_EQ(ParseUrl("http://h:9/", 4318).value().port, 9);
}

TEST(ParseUrl, RefusesWhatIsNoAddressOrCarriesASecret) {
  for (const char* url :
       {"", "h:1", "ftp://h", "http://", "http://:80", "http://h:", "http://h:0", "http://h:65536",
        "http://h:1x", "http://h:-1", "http://user@h/", "http://h/a b", "http://[::1", "http://::1",
        "http://[]", "http://a]b", "http://h/\r\nX: y", "http://h/\x7f"}) {
    const auto parsed = ParseUrl(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid) << url;
  }
}

TEST(RedirectTarget, StaysOnTheServerUnlessItNamesAnother) {
  const Url from = ParseUrl("https://h:8443/a/b?c=d").value();
  EXPECT_EQ(RedirectTarget(from, "http://x/y"), "http://x/y");
  EXPECT_EQ(RedirectTarget(from, "//x/y"), "https://x/y");
  EXPECT_EQ(RedirectTarget(from, "/y?z=/"), "https://h:8443/y?z=/");
  EXPECT_EQ(RedirectTarget(from, "y"), "https://h:8443/a/y");
  EXPECT_EQ(RedirectTarget(ParseUrl("http://h").value(), "y"), "http://h/y");
  EXPECT_EQ(RedirectTarget(ParseUrl("http://h/a?b=/c/").value(), "y"), "http://h/y");
}

TEST(UrlEncode, LeavesUnreservedCharactersAlone) {
  EXPECT_EQ(UrlEncode("a-Z0._~/ =\xC3"), "a-Z0._~%2F%20%3D%C3");
}

}  // namespace
}  // namespace penstock::net
