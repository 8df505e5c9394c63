// Archives as tar makes them, and as somebody hostile does.
#include "operator/archive/unpack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>

#include "operator/base/file.h"

namespace penstock::archive {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string Octal(std::uint64_t value, int digits) {
  std::string out(static_cast<std::size_t>(digits), '0');
  for (int i = digits - 1; i >= 0; --i, value /= 8)
    out[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 8);
  return out;
}

// One entry of a ustar archive.
std::string Entry(const std::string& path, char type, const std::string& content,
                  std::uint64_t size) {
  std::string h(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    h.replace(at, text.size(), text);
  };
  put(0, path);
  put(100, "0000644");
  put(124, Octal(size, 11));
  h[156] = type;
  put(257, std::string("ustar\0", 6) + "00");
  put(148, "        ");
  std::uint64_t sum = 0;
  for (const char c : h) sum += static_cast<unsigned char>(c);
  put(148, Octal(sum, 6) + std::string("\0 ", 2));
  std::string out = h + content;
  out.resize((out.size() + 511) / 512 * 512);
  return out;
}
std::string File(const std::string& path, const std::string& content) {
  return Entry(path, '0', content, content.size());
}
const std::string kEnd(1024, '\0');

std::string Gzip(const std::string& text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

class UnpackTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-unpack-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    fs::create_directories(dir_ / "to");
    options_.root = dir_ / "to";
  }
  void TearDown() override { fs::remove_all(dir_); }

  Result<void> Unpack(const std::string& bytes, std::size_t piece = 1 << 16) {
    Unpacker unpacker(options_);
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      if (auto done = unpacker.Write(std::string_view(bytes).substr(at, piece)); !done) return done;
    return unpacker.Finish();
  }
  std::string Error(const std::string& bytes) {
    auto done = Unpack(bytes);
    return done ? "" : done.error().message;
  }
  std::string Read(const std::string& path) { return ReadFile(dir_ / "to" / path).value_or("-"); }

  fs::path dir_;
  UnpackOptions options_;
};

TEST_F(UnpackTest, ReadsWhatTarWritesInEveryForm) {
  const std::string longer(180, 'n');
  fs::create_directories(dir_ / "from/a" / longer);
  std::ofstream(dir_ / "from/model.yaml") << "x";
  std::ofstream(dir_ / "from/a" / longer / "weights") << std::string(100'000, 'w');
  std::ofstream(dir_ / "from/run") << "#!";
  fs::permissions(dir_ / "from/run", fs::perms::owner_all);
  for (const std::string form : {"gnu", "pax", "posix --sparse", "ustar"}) {
    if (form == "ustar") fs::rename(dir_ / "from/a" / longer, dir_ / "from/a/short");
    for (const std::string zip : {"", "z"}) {
      const std::string command = "tar -C " + (dir_ / "from").string() + " --format=" + form +
                                  " -c" + zip + "f " + (dir_ / "t").string() + " .";
      ASSERT_EQ(std::system(command.c_str()), 0) << command;
      for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 16}) {
        if (piece == 1 && zip.empty()) continue;
        fs::remove_all(dir_ / "to");
        fs::create_directories(dir_ / "to");
        auto done = Unpack(ReadFile(dir_ / "t").value(), piece);
        ASSERT_TRUE(done) << form << zip << ": " << done.error().message;
        EXPECT_EQ(Read("model.yaml"), "x");
        EXPECT_EQ(Read("a/" + (form == "ustar" ? "short" : longer) + "/weights"),
                  std::string(100'000, 'w'));
        struct stat s {};
        ASSERT_EQ(::stat((dir_ / "to/run").c_str(), &s), 0);
        EXPECT_NE(s.st_mode & 0111, 0U);
      }
    }
  }
}

TEST_F(UnpackTest, WritesNothingOutsideItsFolder) {
  for (const std::string path : {"../x", "/etc/x", "a/../../x", "a/..", ".."})
    EXPECT_THAT(Error(File(path, "x") + kEnd), HasSubstr("leads out of the folder")) << path;
  EXPECT_FALSE(fs::exists(dir_ / "x"));
  EXPECT_EQ(Error(File("./a/./b", "x") + kEnd), "");
  EXPECT_EQ(Read("a/b"), "x");
}

TEST_F(UnpackTest, RefusesLinksAndDevicesByName) {
  EXPECT_THAT(Error(Entry("l", '2', "", 0) + kEnd), HasSubstr("'l' is a link: pack it with tar"));
  EXPECT_THAT(Error(Entry("l", '1', "", 0) + kEnd), HasSubstr("'l' is a link"));
  EXPECT_THAT(Error(Entry("d", '3', "", 0) + kEnd), HasSubstr("'d' is a device"));
  EXPECT_THAT(Error(Entry("p", '6', "", 0) + kEnd), HasSubstr("'p' is a pipe"));
}

TEST_F(UnpackTest, NamesWhatIsCutDamagedOrNoArchive) {
  const std::string whole = File("a", std::string(2000, 'x')) + kEnd;
  EXPECT_THAT(Error(whole.substr(0, 700)), HasSubstr("ends before its data does"));
  EXPECT_THAT(Error(Gzip(whole).substr(0, 40)), HasSubstr("gzip: it ends"));
  std::string damaged = whole;
  damaged[3] = 'x';
  EXPECT_THAT(Error(damaged), HasSubstr("no tar archive"));
  EXPECT_THAT(Error(std::string(2000, 'p')), HasSubstr("no tar archive"));
  EXPECT_THAT(Error("\x28\xb5\x2f\xfd zstd"), HasSubstr("zstd, which is not read here"));
  EXPECT_THAT(Error(""), HasSubstr("empty"));
  EXPECT_THAT(Error(kEnd), HasSubstr("empty"));
  std::string packed = Gzip(whole);
  packed[packed.size() - 12] = static_cast<char>(packed[packed.size() - 12] ^ 0x55);
  EXPECT_THAT(Error(packed), HasSubstr("gzip: "));
}

TEST_F(UnpackTest, HoldsFilesAndBytesToTheirBoundsWhateverTheArchiveSays) {
  options_.limits = {.bytes = 10, .files = 2};
  EXPECT_EQ(Error(File("a", "12345") + File("b", "12345") + kEnd), "");
  fs::remove_all(dir_ / "to/a");
  fs::remove_all(dir_ / "to/b");
  auto bytes = Unpack(File("a", "123456") + File("b", "12345") + kEnd);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kTooLarge);
  auto files = Unpack(File("c", "") + File("d", "") + File("e", "") + kEnd);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().kind, ErrorKind::kTooLarge);
  EXPECT_THAT(Error(Entry("f", '0', "", 1ULL << 32)), HasSubstr("ends before"));
}

TEST_F(UnpackTest, OfLayersTheLaterOneWinsAndWhiteoutsRemove) {
  options_.layers = true;
  options_.only = "models/";
  Unpacker unpacker(options_);
  const auto layer = [&](const std::string& bytes) {
    ASSERT_TRUE(unpacker.Write(bytes));
    auto done = unpacker.Finish();
    ASSERT_TRUE(done) << done.error().message;
  };
  layer(File("models/a", "1") + File("models/b", "1") + File("models/d/x", "1") +
        File("etc/passwd", "root") + Entry("bin/sh", '2', "", 0) + kEnd);
  layer(File("models/a", "2") + File("models/.wh.b", "") + File("models/d/.wh..wh..opq", "") +
        File("models/e", "3") + kEnd);
  EXPECT_EQ(Read("a"), "2");
  EXPECT_EQ(Read("b"), "-");
  EXPECT_EQ(Read("d/x"), "-");
  EXPECT_EQ(Read("e"), "3");
  EXPECT_FALSE(fs::exists(dir_ / "to/etc"));
  EXPECT_FALSE(fs::exists(dir_ / "to/bin"));
}

TEST_F(UnpackTest, AnArchiveThatHoldsAFileTwiceIsRefused) {
  EXPECT_THAT(Error(File("a", "1") + File("a", "2") + kEnd), HasSubstr("holds 'a' twice"));
}

}  // namespace
}  // namespace penstock::archive
