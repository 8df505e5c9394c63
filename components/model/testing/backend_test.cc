// Every back end that needs no compiler, and every refusal, through the loader of model folders.
#include "components/model/backend.h"

#include <caffe2/serialize/inline_container.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "components/model/model_loader.h"
#include "components/model/tensor_model.h"
#include "components/model/testing/sample_model.h"
#include "components/model/torch/cpu_features.h"
#include "components/model/torch/pickle_check.h"
#include "operator/base/file.h"

namespace penstock::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BackendTest : public testing::Test {
 protected:
  BackendTest() : folder_(testing::TempDir() + "backend." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~BackendTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
  }
  void WriteManifest(const std::string& fields) const {
    Write("model.yaml", "formatVersion: 1\nname: m\nbatchAxis: 0\n" + fields +
                            "\ninputs: [{name: x, type: float32, shape: [-1, 2]}]\n"
                            "outputs: [{name: y, type: float32, shape: [-1]}]\n");
  }
  // A zip as PyTorch writes it.
  void WriteArchive(const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& records) const {
    caffe2::serialize::PyTorchStreamWriter writer(folder_ + "/" + name);
    for (const auto& [path, text] : records) writer.writeRecord(path, text.data(), text.size());
    writer.writeEndOfFile();
  }
  void WritePackage(const std::string& name, const std::string& isa,
                    const std::string& machine = "") const {
    WriteArchive(name, {{"data/aotinductor/model/abc.wrapper_metadata.json",
                         R"({"AOTI_DEVICE_KEY": "cpu", "AOTI_MACHINE": ")" + machine +
                             R"(", "AOTI_CPU_ISA": ")" + isa + R"("})"}});
  }
  std::string Problem() const {
    auto loaded = LoadModel(folder_);
    if (!loaded) return loaded.error().message;
    auto right = CheckExamples(*loaded);
    return right ? "" : right.error().message;
  }

  const std::string folder_;
};

TEST_F(BackendTest, LayersAnswerAsTorchScriptDoes) {
  WriteLayerMlp(folder_);  // its examples are those of the TorchScript
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/model.ts"));
  EXPECT_EQ(Problem(), "");
  EXPECT_EQ(LoadModel(folder_).value().model->platform(), "penstock_safetensors");
  BreakSecondExample(folder_);
  EXPECT_THAT(Problem(), HasSubstr("example 2"));
}

TEST_F(BackendTest, AFileThatCannotBeLookedAtIsNoFileThatTheModelDoesWithout) {
  WriteLayerMlp(folder_);
  for (const char* name : {"examples.jsonl", "transform.json", "model.yaml"}) {
    const std::filesystem::path file = std::filesystem::path(folder_) / name;
    std::filesystem::remove(file);
    std::filesystem::create_symlink(name, file);  // in a circle
    EXPECT_THAT(Problem(), HasSubstr("looking at " + file.string()));
  }
}

TEST_F(BackendTest, LayersThatDoNotFitTheirWeightsAreNamed) {
  WriteLayerMlp(folder_);
  Write("network.json", R"({"formatVersion":1,"layers":[{"op":"linear","weight":"w9"}]})");
  EXPECT_THAT(Problem(), HasSubstr("'w9', which is missing"));
  Write("weights.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10));
  EXPECT_THAT(Problem(), HasSubstr("no safetensors file"));
}

TEST_F(BackendTest, LayersGivenAnotherWidthSaySo) {
  WriteLayerMlp(folder_);
  auto backend = LoadLayerNetwork(folder_, "weights.safetensors");
  ASSERT_TRUE(backend) << backend.error().message;
  EXPECT_EQ((*backend)->width(), 64);
  const auto answer =
      (*backend)->Run({{"x", Datatype::kFp32, {1, 3}, std::vector<float>{1, 2, 3}}});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("the model refuses this input"));
}

TEST_F(BackendTest, PicklesAreRefusedWithWhatToDo) {
  const auto refused = AllOf(HasSubstr("pickle"), HasSubstr("torch.jit.script(model).save"));
  WriteManifest("file: model.pkl");
  Write("model.pkl", "cos\nsystem\n(S'true'\ntR.");  // protocol 0: known by its name
  EXPECT_THAT(Problem(), refused);
  WriteManifest("file: model.ts");
  Write("model.ts", "\x80\x04\x95 a pickle under another name");
  EXPECT_THAT(Problem(), refused);
  WriteManifest("file: model.joblib\nbackend: torchscript");
  Write("model.joblib", "x\x9c compressed");
  EXPECT_THAT(Problem(), refused);
  WriteManifest("file: model.pt");
  WriteArchive("model.pt", {{"data.pkl", "\x80\x02}q."}, {"data/0", "1234"}});
  EXPECT_THAT(Problem(), AllOf(HasSubstr("torch.save()"), refused));
  WriteManifest("file: model.bin\nbackend: sklearn");
  Write("model.bin", "anything");
  EXPECT_THAT(Problem(), AllOf(HasSubstr("'sklearn'"), HasSubstr("unpickle")));
}

TEST_F(BackendTest, AFolderWithAPickleAndNoManifestSaysBoth) {
  Write("model.pkl", "\x80\x04.");
  EXPECT_THAT(Problem(), AllOf(HasSubstr("no model.yaml"), HasSubstr("model.pkl")));
}

TEST_F(BackendTest, TorchScriptIsNoPickle) {
  WriteMlp(folder_);
  EXPECT_TRUE(RefusePickle(folder_ + "/model.ts"));
  EXPECT_TRUE(RefusePickle(folder_ + "/absent"));
  EXPECT_EQ(Problem(), "");
}

TEST_F(BackendTest, APackageForAnotherCpuIsRefusedByName) {
  WriteManifest("backend: aotinductor\nfiles: [a.pt2, b.pt2]");
  WritePackage("a.pt2", "AVX512 AVX9000");
  WritePackage("b.pt2", "AVX2", "vax");
  EXPECT_THAT(Problem(),
              AllOf(HasSubstr("a.pt2: it was compiled for AVX512 AVX9000"), HasSubstr("b.pt2: "),
                    HasSubstr("compiled for vax"), HasSubstr("simdlen = 256")));
}

TEST_F(BackendTest, APackageWithoutCodeIsRefused) {
  WriteManifest("backend: aotinductor\nfile: a.pt2");
  WritePackage("a.pt2", "");
  EXPECT_THAT(Problem(), HasSubstr("a.pt2 is no AOTInductor package that loads"));
  Write("a.pt2", "no zip at all");
  EXPECT_THAT(Problem(), HasSubstr("a.pt2 is no AOTInductor package that loads"));
}

TEST_F(BackendTest, UnknownBackEndsAndTooManyFilesAreRefused) {
  WriteManifest("backend: tensorflow\nfile: model.pb");
  EXPECT_THAT(Problem(), AllOf(HasSubstr("'tensorflow' is unknown"), HasSubstr("safetensors")));
  WriteManifest("backend: torchscript\nfiles: [a.ts, b.ts]");
  EXPECT_THAT(Problem(), HasSubstr("only the back end aotinductor takes several files"));
  WriteManifest("backend: torchscript\nfiles: [../a.ts]");
  EXPECT_THAT(Problem(), HasSubstr("within the model's folder"));
}

std::int64_t ResidentKiB() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("RssAnon:")) return std::stol(line.substr(8));
  }
  return 0;
}

// 64-2048-2048-10: 17 MiB of weights.
TEST_F(BackendTest, AModelThatIsGoneGivesItsMemoryBack) {
  WriteMlp(folder_, 2048);
  const auto cycle = [&](std::int64_t* while_loaded) {
    auto loaded = LoadModel(folder_);
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_TRUE(CheckExamples(*loaded));
    *while_loaded = ResidentKiB();
  };
  std::int64_t loaded = 0;
  cycle(&loaded);  // what LibTorch sets up once
  malloc_trim(0);  // glibc's; the server's allocator gives back by itself
  const std::int64_t before = ResidentKiB();
  for (int i = 0; i < 5; ++i) {
    cycle(&loaded);
    EXPECT_GT(loaded, before + 12 * 1024);
    malloc_trim(0);
  }
  EXPECT_LT(ResidentKiB(), before + 6 * 1024);
}

TEST(CpuFeatures, AreReadAndCompared) {
  const auto flags = ParseCpuFlags("processor : 0\nflags\t\t: fpu avx2 fma f16c\nflags : other\n");
  EXPECT_EQ(flags, (std::set<std::string>{"fpu", "avx2", "fma", "f16c"}));
  EXPECT_EQ(ParseCpuFlags("Features : fp asimd\n"), (std::set<std::string>{"fp", "asimd"}));
  EXPECT_TRUE(ParseCpuFlags("nothing").empty());
  EXPECT_EQ(MissingCpuFlag("AVX2", flags), "");
  EXPECT_EQ(MissingCpuFlag("", flags), "");
  EXPECT_EQ(MissingCpuFlag("AVX512 AVX512_VNNI", flags), "avx512f");
  EXPECT_EQ(MissingCpuFlag("ASIMD", flags), "asimd");
  EXPECT_EQ(MissingCpuFlag("AVX2 SOMETHING", flags), "SOMETHING");
}

TEST(TensorManifest, TakesAFileWithTwoDotsInItsNameAndNoneOutsideTheFolder) {
  const auto parse = [](const std::string& file) {
    const auto manifest = ParseTensorManifest("{formatVersion: 1, file: \"" + file +
                                                  "\", inputs: [{name: x, type: float32, shape: "
                                                  "[4]}], outputs: [{name: y, type: float32, "
                                                  "shape: [1]}]}",
                                              "model.yaml");
    return manifest ? std::string("accepted") : manifest.error().message;
  };
  EXPECT_EQ(parse("v1..2.ts"), "accepted");
  for (const char* file : {"..", "../x", "x/../y", "/x", ""}) {
    EXPECT_NE(parse(file).find("within the model's folder"), std::string::npos) << file;
  }
}

}  // namespace
}  // namespace penstock::model
