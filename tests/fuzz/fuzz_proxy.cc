// Requests and answers as the router reads and rewrites them: what is passed on is read as the same
// message, by a reader that gets it in pieces too.
#include <cstdint>
#include <string>

#include "components/router/http1/body.h"
#include "components/router/http1/head.h"
#include "components/router/http1/rewrite.h"
#include "components/router/observe/compare.h"
#include "components/router/routing/request_route.h"
#include "components/router/routing/route_table.h"
#include "tests/fuzz/require.h"

using namespace penstock::router;
using http1::Outcome;
using penstock::fuzz::Require;

namespace {

template <typename Head, typename Read>
void ReadInPieces(const std::string& bytes, const Read& read, const Outcome& whole) {
  static Head head;
  std::size_t searched = 0;
  Outcome outcome;
  for (std::size_t n = 1; n <= bytes.size() && outcome.kind == Outcome::Kind::kPartial; ++n)
    outcome = read(std::string_view(bytes).substr(0, n), &searched, &head);
  if (whole.kind == Outcome::Kind::kWhole) Require(outcome.kind == Outcome::Kind::kWhole);
}

void FuzzRequest(const std::string& bytes) {
  static http1::RequestHead head;
  static http1::RequestHead again;
  std::size_t searched = 0;
  const Outcome whole = http1::ReadRequestHead(bytes, &searched, &head);
  ReadInPieces<http1::RequestHead>(bytes, http1::ReadRequestHead, whole);
  if (whole.kind != Outcome::Kind::kWhole) return;
  const RequestRoute route = RouteOf(head.target);
  Require(route.pin_begin <= route.pin_end && route.pin_end <= head.target.size());
  std::string out(head.size + head.authority.size() + http1::kMostAdded, '\0');
  const std::size_t size =
      http1::WriteRequest(head, route.pin_begin, route.pin_end, "host", out.data());
  Require(size <= out.size());
  out.resize(size);
  searched = 0;
  Require(http1::ReadRequestHead(out, &searched, &again).kind == Outcome::Kind::kWhole);
  Require(again.size == out.size() && again.method == head.method);
  Require(again.framing == head.framing && again.length == head.length);
}

void FuzzAnswer(const std::string& bytes) {
  static http1::AnswerHead head;
  static http1::AnswerHead again;
  std::size_t searched = 0;
  const Outcome whole = http1::ReadAnswerHead(bytes, &searched, false, &head);
  if (whole.kind != Outcome::Kind::kWhole) return;
  std::string out(head.size + http1::kMostAdded, '\0');
  const bool chunked = head.framing == http1::Framing::kChunked;
  out.resize(http1::WriteAnswer(head, {.chunked = chunked, .version = 1}, out.data()));
  searched = 0;
  Require(http1::ReadAnswerHead(out, &searched, false, &again).kind == Outcome::Kind::kWhole);
  Require(again.size == out.size() && again.status == head.status);
  Require(again.framing == head.framing && again.length == head.length);
}

std::string Chunks(std::string bytes, std::size_t step, bool unwrap) {
  http1::BodyDecoder decoder(http1::Framing::kChunked, 0, unwrap);
  std::string out;
  for (std::size_t at = 0; at < bytes.size() && !decoder.done();) {
    const auto piece = decoder.Feed(bytes.data() + at, std::min(step, bytes.size() - at));
    if (piece.broken) return "broken";
    Require(piece.kept <= piece.taken);
    out.append(bytes.data() + at, piece.kept);
    at += piece.taken;
  }
  return decoder.done() ? out : "partial";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  FuzzRequest(bytes);
  FuzzAnswer(bytes);
  for (const bool unwrap : {false, true})
    Require(Chunks(bytes, bytes.size() + 1, unwrap) == Chunks(bytes, 1, unwrap));
  const std::string passed = Chunks(bytes, bytes.size() + 1, false);
  // What is passed on needs no second passing.
  if (passed != "broken" && passed != "partial") Require(Chunks(passed, 3, false) == passed);
  (void)ParseRouteTable(bytes, "fuzz");
  (void)CompareAnswers(bytes, bytes, "");
  return 0;
}
