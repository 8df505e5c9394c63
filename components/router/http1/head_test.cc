#include "components/router/http1/head.h"

#include <gtest/gtest.h>

namespace penstock::router::http1 {
namespace {

using Kind = Outcome::Kind;

RequestHead head;  // large; each reading fills it anew

Outcome Read(std::string_view bytes) {
  std::size_t searched = 0;
  return ReadRequestHead(bytes, &searched, &head);
}

TEST(RequestHeads, AreReadWhole) {
  const std::string text =
      "POST /v2/models/m/infer?x HTTP/1.1\r\nHost: m\r\ncontent-length:  12\t\r\npenstock-version: "
      "8\r\n\r\nbody";
  ASSERT_EQ(Read(text).kind, Kind::kWhole);
  EXPECT_EQ(head.size, text.size() - 4);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v2/models/m/infer?x");
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.length, 12U);
  EXPECT_EQ(head.pin, "8");
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.all_passed_on);
}

TEST(RequestHeads, MayComeByteByByte) {
  const std::string text = "\r\nGET / HTTP/1.1\r\nHost: m\r\n\r\n";
  std::size_t searched = 0;
  for (std::size_t n = 1; n < text.size(); ++n)
    ASSERT_EQ(ReadRequestHead(std::string_view(text).substr(0, n), &searched, &head).kind,
              Kind::kPartial)
        << n;
  ASSERT_EQ(ReadRequestHead(text, &searched, &head).kind, Kind::kWhole);
  EXPECT_EQ(head.size, text.size());
}

TEST(RequestHeads, SayWhetherTheConnectionGoesOn) {
  ASSERT_EQ(Read("GET / HTTP/1.1\r\nHost: m\r\nConnection: foo, Close\r\n\r\n").kind, Kind::kWhole);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(Read("GET / HTTP/1.0\r\n\r\n").kind, Kind::kWhole);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(Read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").kind, Kind::kWhole);
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHeads, LoseNoFieldThatSaysWhereTheyEnd) {
  ASSERT_EQ(Read("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nConnection: content-length, "
                 "host, x\r\nX: 1\r\n\r\n")
                .kind,
            Kind::kWhole);
  std::string kept;
  for (std::size_t i = 0; i < head.field_count; ++i)
    kept += head.fields[i].passed_on ? std::string(head.fields[i].name) + " " : "";
  EXPECT_EQ(kept, "Host Content-Length ");
}

TEST(RequestHeads, TakeAbsoluteTargetsForTheirHost) {
  ASSERT_EQ(Read("GET HTTP://a:80/x?y HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kWhole);
  EXPECT_EQ(head.target, "/x?y");
  EXPECT_EQ(head.authority, "a:80");
  EXPECT_FALSE(head.fields[0].passed_on);
  EXPECT_FALSE(head.https);
  ASSERT_EQ(Read("GET Https://a/x?y HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kWhole);
  EXPECT_EQ(head.target, "/x?y");
  EXPECT_EQ(head.authority, "a");
  EXPECT_TRUE(head.https);
  EXPECT_EQ(Read("GET https:// HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kRefused);
  EXPECT_EQ(Read("GET http:// HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kRefused);
  EXPECT_EQ(Read("GET ftp://a/ HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kRefused);
  EXPECT_EQ(Read("GET http://user@a/ HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kRefused);
  ASSERT_EQ(Read("OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kWhole);
  EXPECT_EQ(Read("GET * HTTP/1.1\r\nHost: b\r\n\r\n").kind, Kind::kRefused);
}

TEST(RequestHeads, AreRefusedWithTheStatusThatSaysWhy) {
  const std::string host = " HTTP/1.1\r\nHost: m\r\n";
  EXPECT_EQ(Read("GET /" + host + "Expect: 200-ok\r\n\r\n").status, 417);
  EXPECT_EQ(Read("GET /" + host + "Transfer-Encoding: identity\r\n\r\n").status, 501);
  EXPECT_EQ(Read("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").status, 400);
  EXPECT_EQ(Read(std::string("GET /\0", 6) + host + "\r\n").status, 400);
  EXPECT_EQ(Read("GET /" + host + std::string("X: a\0b\r\n\r\n", 10)).status, 400);
  EXPECT_EQ(Read("G@T /" + host + "\r\n").status, 400);
  EXPECT_EQ(Read("{ /" + host).status, 400);
}

TEST(AnswerHeads, AreFramedByStatusAndMethod) {
  AnswerHead answer;
  const auto read = [&](const std::string& text, bool to_head = false) {
    std::size_t searched = 0;
    return ReadAnswerHead(text, &searched, to_head, &answer).kind;
  };
  ASSERT_EQ(read("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n"), Kind::kWhole);
  EXPECT_EQ(answer.framing, Framing::kLength);
  ASSERT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true), Kind::kWhole);
  EXPECT_EQ(answer.framing, Framing::kNone);
  ASSERT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), Kind::kWhole);
  EXPECT_EQ(answer.framing, Framing::kNone);
  ASSERT_EQ(read("HTTP/1.1 200 OK\r\n\r\n"), Kind::kWhole);
  EXPECT_EQ(answer.framing, Framing::kUntilClose);
  EXPECT_FALSE(answer.keep_alive);
  ASSERT_EQ(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), Kind::kWhole);
  EXPECT_FALSE(answer.keep_alive);
  for (const char* wrong :
       {"HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1\r\n\r\n",
        "HTTP/1.1  200\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n", "HTTP/1.1 700 X\r\n\r\n"})
    EXPECT_EQ(read(wrong), Kind::kRefused) << wrong;
}

}  // namespace
}  // namespace penstock::router::http1
