#include "operator/artifacts/gc/digest_set.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <random>

#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace {

TEST(DigestSet, KnowsWhatWasAddedAndNothingElse) {
  DigestSet set;
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back("sha256:" + Sha256Hex(std::to_string(i)));
  for (int i = 0; i < 1000; i += 2) set.Add(DigestOf(texts[std::size_t(i)]), 1);
  for (int i = 0; i < 1000; i += 4) set.Add(DigestOf(texts[std::size_t(i)]), 2);
  EXPECT_EQ(set.size(), 500U);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(set.BitsOf(DigestOf(texts[std::size_t(i)])), i % 4 == 0   ? 3
                                                           : i % 2 == 0 ? 1
                                                                        : 0)
        << i;
  int seen = 0;
  set.Each(2, [&](const Digest& digest, std::uint8_t bits) {
    EXPECT_EQ(bits, 3);
    EXPECT_EQ(DigestOf(TextOf(digest)), digest);
    return ++seen < 100;
  });
  EXPECT_EQ(seen, 100);
}

TEST(DigestSet, FindsDigestsInAnyText) {
  const std::string hex = Sha256Hex("x"), other = Sha256Hex("y");
  std::vector<std::string> found;
  EachDigestIn("https://host/m.onnx@sha256:" + hex + " {\"a\":\"sha256:" + other +
                   "\"} sha256:short sha256:" + std::string(64, 'X') + " sha256:sha256:" + hex,
               [&](const Digest& digest) { found.push_back(TextOf(digest)); });
  EXPECT_EQ(found, (std::vector<std::string>{"sha256:" + hex, "sha256:" + other, "sha256:" + hex}));
}

// What the header promises.
TEST(DigestSet, HoldsAMillionIn40MiB) {
  const auto in_use = [] {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const auto before = in_use();
  DigestSet set;
  std::mt19937_64 random(7);
  for (int i = 0; i < 1'000'000; ++i) {
    Digest digest;
    for (auto& byte : digest) byte = static_cast<std::uint8_t>(random());
    set.Add(digest, 1);
  }
  EXPECT_EQ(set.size(), 1'000'000U);
  EXPECT_LT(in_use() - before, 48UL << 20);
  RecordProperty("bytes", std::to_string(in_use() - before));
}

}  // namespace
}  // namespace penstock::artifacts
