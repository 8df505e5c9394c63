// Fits the learner `boosting` on a matrix of another program's, as the bench `boosting` compares
// it.
// usage: boosting_fit MATRIX LABELS ROWS FEATURES ROUNDS THREADS SETTING ANSWERS
//   MATRIX, LABELS   float32, row-major, and float64, of this machine's byte order
//   SETTING          JSON, as the learner's trials have it
// Prints {"wall", "cpu"} in seconds, of the fit alone; writes its answers to the rows as float64.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>

#include "components/train/learner.h"

namespace {

template <typename T>
bool ReadNumbers(const char* path, T* to, std::size_t count) {
  std::ifstream in(path, std::ios::binary);
  return bool(in.read(reinterpret_cast<char*>(to), std::streamsize(count * sizeof(T))));
}

int Failed(const penstock::Error& error) {
  std::fprintf(stderr, "boosting_fit: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace penstock;  // NOLINT
  if (argc != 9) {
    std::fputs("usage: boosting_fit MATRIX LABELS ROWS FEATURES ROUNDS THREADS SETTING ANSWERS\n",
               stderr);
    return 2;
  }
  const std::size_t rows = std::stoul(argv[3]);
  const std::size_t width = std::stoul(argv[4]);
  sdk::FloatMatrix x{rows, width, std::make_unique<float[]>(rows * width)};
  std::vector<double> y(rows);
  if (!ReadNumbers(argv[1], x.data.get(), rows * width) || !ReadNumbers(argv[2], y.data(), rows)) {
    std::fputs("boosting_fit: a file is missing or too short\n", stderr);
    return 1;
  }
  const auto setting = ParseJson(argv[7], "the setting");
  if (!setting) return Failed(setting.error());
  const std::vector<sdk::Feature> features(width);
  train::Context context;
  context.features = features;
  context.target.classes = 2;
  context.threads = std::stoi(argv[6]);
  const auto learner = train::MakeBoosting({});
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  const auto fitted = learner->Fit({&x, y, {}}, *setting, std::stod(argv[5]), context);
  const double used = double(std::clock() - cpu) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  if (!fitted) return Failed(fitted.error());
  const auto answers = (*fitted)->Answer(x);
  if (!answers) return Failed(answers.error());
  std::ofstream out(argv[8], std::ios::binary);
  out.write(reinterpret_cast<const char*>(answers->data()),
            std::streamsize(answers->size() * sizeof(double)));
  std::printf("{\"wall\": %.6f, \"cpu\": %.6f}\n", wall.count(), used);
  return out ? 0 : 1;
}
