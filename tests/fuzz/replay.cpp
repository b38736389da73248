// What a fuzz target is run by where there is no libFuzzer: every file of its corpus, as it is, cut short and with bits
// flipped. The same inputs in the same order at every run.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Inputs of one target, over all files and their mutations: seconds at the pace of the slowest target.
constexpr std::size_t kInputs = 20'000;

char doing[512];  // for the handler of a signal: what is being run

extern "C" void say_what_was_run(int signal) {
    std::fputs(doing, stderr);
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void run(const std::string& file, const char* change, std::size_t where, const std::string& input) {
    std::snprintf(doing, sizeof doing, "replay: failed at %s, %s %zu (%zu bytes)\n", file.c_str(), change, where,
                  input.size());
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

/// At most `most` numbers below `end`, evenly spread, the first and the last among them.
std::vector<std::size_t> spread(std::size_t end, std::size_t most) {
    std::vector<std::size_t> places;
    const std::size_t count = std::min(end, most);
    for (std::size_t i = 0; i < count; ++i) {
        places.push_back(count == 1 ? 0 : i * (end - 1) / (count - 1));
    }
    return places;
}

std::size_t run_all(const std::filesystem::path& path, std::size_t inputs) {
    std::ifstream stream(path, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(stream), {}};
    const std::string name = path.filename().string();
    run(name, "whole", 0, whole);
    std::size_t done = 1;
    for (const std::size_t size : spread(whole.size(), inputs / 2)) {
        run(name, "cut to", size, whole.substr(0, size));
        ++done;
    }
    for (const std::size_t bit : spread(whole.size() * 8, inputs / 2)) {
        std::string changed = whole;
        changed[bit / 8] = static_cast<char>(static_cast<unsigned char>(changed[bit / 8]) ^ (1u << (bit % 8)));
        run(name, "with flipped bit", bit, changed);
        ++done;
    }
    return done;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
        std::fputs("usage: NAME_fuzz CORPUS (a folder that exists)\n", stderr);
        return 2;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        files.push_back(entry.path());
    }
    if (files.empty()) {
        std::fprintf(stderr, "error: %s is empty, so nothing would be tested\n", argv[1]);
        return 2;
    }
    std::sort(files.begin(), files.end());
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
        std::signal(signal, say_what_was_run);
    }
    std::size_t done = 0;
    for (const auto& file : files) {
        done += run_all(file, kInputs / files.size());
    }
    std::printf("%zu inputs made of %zu files\n", done, files.size());
    return EXIT_SUCCESS;
}
