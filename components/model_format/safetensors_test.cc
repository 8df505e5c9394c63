#include "components/model_format/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <random>

namespace penstock::sdk {
namespace {

class SafetensorsTest : public ::testing::Test {
 protected:
  SafetensorsTest()
      : path_(::testing::TempDir() + "safetensors." + std::to_string(getpid()) + ".safetensors") {}
  ~SafetensorsTest() override { std::filesystem::remove(path_); }

  static std::string Length(std::uint64_t n) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(char(n >> (8 * i) & 255));
    return bytes;
  }
  void Write(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  std::string Problem() {
    const auto file = SafetensorsFile::Open(path_);
    return file ? "" : file.error().message;
  }
  std::string ProblemOf(const std::string& header, std::size_t data) {
    Write(Length(header.size()) + header + std::string(data, '\0'));
    return Problem();
  }

  const std::string path_;
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(SafetensorsTest, GivesBackWhatWasWritten) {
  const std::array<float, 6> matrix = {1, 2, 3, 4, 5, 6.5F};
  const std::array<std::int64_t, 1> number = {-7};
  const std::array<std::uint8_t, 3> flags = {1, 0, 1};
  const auto written =
      WriteSafetensors(path_,
                       {{"가중치", {TensorType::kF32, {2, 3}, std::as_bytes(std::span(matrix))}},
                        {"flags", {TensorType::kBool, {3}, std::as_bytes(std::span(flags))}},
                        {"n", {TensorType::kI64, {}, std::as_bytes(std::span(number))}},
                        {"none", {TensorType::kF32, {0, 4}, {}}}},
                       {{"format", "pt"}});
  ASSERT_TRUE(written) << written.error().message;
  const auto file = SafetensorsFile::Open(path_);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ((*file)->metadata().at("format"), "pt");
  EXPECT_EQ((*file)->tensors().size(), 4U);
  const TensorView* m = (*file)->Find("가중치");
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(m->bytes.data(), matrix.data(), sizeof(matrix)), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>((*file)->Find("n")->bytes.data()) % 8, 0U);
  EXPECT_EQ((*file)->Find("none")->bytes.size(), 0U);
  EXPECT_EQ((*file)->Find("other"), nullptr);
}

TEST_F(SafetensorsTest, RefusesAShapeThatDoesNotFitItsBytesWhenWriting) {
  const std::array<float, 2> two = {1, 2};
  const auto written =
      WriteSafetensors(path_, {{"w", {TensorType::kF32, {3}, std::as_bytes(std::span(two))}}}, {});
  ASSERT_FALSE(written);
  EXPECT_HAS(written.error().message, "'w'");
}

TEST_F(SafetensorsTest, RefusesLengthsThatLie) {
  Write("1234567");
  EXPECT_HAS(Problem(), "too short");
  Write(Length(1000) + "{}");
  EXPECT_HAS(Problem(), "1000 bytes");
  Write(Length(~0ULL) + "{}");
  EXPECT_HAS(Problem(), "18446744073709551615 bytes");
  EXPECT_HAS(ProblemOf("{\"a\":", 0), "no JSON object");
  EXPECT_HAS(ProblemOf("[1]", 0), "no JSON object");
}

TEST_F(SafetensorsTest, RefusesOffsetsOutsideTheData) {
  const auto tensor = [](const std::string& offsets, const std::string& shape = "[2]") {
    return R"({"w":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(ProblemOf(tensor("[0,8]"), 8), "");
  EXPECT_HAS(ProblemOf(tensor("[0,8]"), 7), "lie outside the file's 7 bytes");
  EXPECT_HAS(ProblemOf(tensor("[8,0]"), 8), "lie outside");
  EXPECT_HAS(ProblemOf(tensor("[0,18446744073709551615]"), 8), "lie outside");
  EXPECT_HAS(ProblemOf(tensor("[-8,0]"), 8), "must be integers");
  EXPECT_HAS(ProblemOf(tensor("[0,8.5]"), 8), "must be integers");
  EXPECT_HAS(ProblemOf(tensor("[0]"), 8), "data_offsets [begin, end]");
  EXPECT_HAS(ProblemOf(tensor("[4,8]", "[1]"), 8), "hole");
  EXPECT_HAS(ProblemOf(tensor("[0,8]"), 12), "belong to no tensor");
}

TEST_F(SafetensorsTest, RefusesShapesWhoseProductOverflows) {
  for (const char* shape : {"[9223372036854775807,4]", "[4611686018427387904,4,1]", "[2,2]", "[1]",
                            "[-2]", "[2.0]", "[9223372036854775808]"}) {
    const std::string header =
        std::string(R"({"w":{"dtype":"F32","shape":)") + shape + R"(,"data_offsets":[0,8]}})";
    EXPECT_HAS(ProblemOf(header, 8), "shape") << shape;
  }
}

TEST_F(SafetensorsTest, RefusesOverlapsRepeatsAndUnknownTypes) {
  EXPECT_HAS(ProblemOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                       R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                       3),
             "overlap");
  EXPECT_HAS(ProblemOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                       R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
                       2),
             "'a' twice");
  EXPECT_HAS(ProblemOf(R"({"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", 8), "C64");
  EXPECT_HAS(ProblemOf(R"({"a":3})", 0), "must have dtype");
  EXPECT_HAS(ProblemOf(R"({"a":[[[[[[[1]]]]]]]})", 0), "too deeply");
  EXPECT_HAS(ProblemOf(R"({"__metadata__":{"a":1}})", 0), "__metadata__.a");
}

// Damage of any kind gives an answer, never a crash; the address sanitizer would see a stray read.
TEST_F(SafetensorsTest, SurvivesDamageAnywhere) {
  const std::array<float, 6> matrix = {1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(WriteSafetensors(
      path_, {{"a", {TensorType::kF32, {2, 3}, std::as_bytes(std::span(matrix))}}}, {}));
  std::ifstream in(path_, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  std::mt19937 random(5);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      bad[random() % (good.size() - matrix.size() * 4)] = char(random() & 255);
    }
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    Write(bad);
    const auto file = SafetensorsFile::Open(path_);
    refused += file ? 0 : 1;
    if (!file) continue;
    for (const auto& [name, view] : (*file)->tensors()) {
      unsigned sum = 0;
      for (const std::byte b : view.bytes) sum += std::to_integer<unsigned>(b);
      EXPECT_LE(sum, 255U * view.bytes.size());
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace penstock::sdk
