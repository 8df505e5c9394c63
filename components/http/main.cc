// penstock-http: the component http as a program of its own. Its orders come as those of every
// component (sdk/step.h).
//
// Exit codes: 0 done, 1 no (one line on standard error).
#include "components/http/run.h"
#include "components/outside/program.h"

int main(int argc, char** argv) {
  return penstock::outside::RunProgram(
      "http", {argv + 1, argv + argc},
      [](penstock::sdk::Step& step, const std::map<std::string, std::string>& environment,
         std::stop_token stop) { return penstock::http::RunHttp(step, environment, stop); });
}
