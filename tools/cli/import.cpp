#include "tools/cli/import.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "node/app/config.hpp"
#include "node/app/config_file.hpp"
#include "node/app/config_variables.hpp"
#include "tools/cli/child.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/import_config.hpp"
#include "tools/cli/import_source.hpp"

namespace tulle::cli {
namespace {

/// Far more than 10,000 apps take.
constexpr std::size_t kMaxImportBytes = std::size_t{64} << 20;

/// The text of a file or of standard input. Throws std::runtime_error.
std::string text_of_file(const std::string& path) {
    std::ifstream file;
    if (path != "-") {
        file.open(path, std::ios::binary);
        if (!file) {
            throw std::runtime_error("cannot read " + path + ": " + std::strerror(errno));
        }
    }
    std::istream& in = path == "-" ? std::cin : file;
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (in.bad() || text.size() > kMaxImportBytes) {
        throw std::runtime_error("cannot read " + path + ": it is no file, or larger than 64 MiB");
    }
    return text;
}

/// The variables that `text` names, each with its own name as the value, so that the file can be checked without the
/// environment that it is for.
node::Variables named_variables(const std::string& text) {
    node::Variables out;
    for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 1)) {
        const std::size_t end = text.find_first_of(":-?}", at + 2);
        const std::string name = text.substr(at + 2, end == std::string::npos ? end : end - at - 2);
        out.emplace(name, name);
    }
    return out;
}

/// The error as a sentence.
std::string text_of_error(const ImportError& error) {
    return error.app == 0 ? error.text : "app " + std::to_string(error.app) + " of the list " + error.text;
}

/// Reads the file as tulled would. Throws node::ConfigError.
void check_as_tulled(const std::string& text) {
    node::ConfigFile file = node::parse_config_file(text, "the new file", named_variables(text));
    [[maybe_unused]] const node::Config config = node::make_config({file.settings}, std::move(file.apps), {"node"});
}

}  // namespace

int run_import(const ImportOptions& options) {
    auto tree = parse_import(text_of_file(options.file), options.server);
    if (tree.has_error()) {
        std::cerr << "tulle: " << options.file << ": " << tree.error() << "\n";
        return kFailed;
    }
    const auto text = import_config(std::move(*tree), options.server);
    if (text.has_error()) {
        std::cerr << "tulle: " << options.file << ": " << text_of_error(text.error()) << "\n";
        return kFailed;
    }
    try {
        check_as_tulled(*text);
    } catch (const node::ConfigError& error) {
        std::cerr << "tulle: " << options.file << " holds what tulled does not accept: " << error.what() << "\n";
        return kFailed;
    }
    std::cout << *text << std::flush;
    return kOk;
}

int run_config_print(const ConfigPrintOptions& options) {
    std::vector<std::string> words{find_tulled(options.tulled), "--print-config"};
    if (!options.config.empty()) {
        words.insert(words.end(), {"--config", options.config});
    }
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    ::execv(words.front().c_str(), arguments.data());
    std::cerr << "tulle: cannot start " << words.front() << ": " << std::strerror(errno) << "\n";
    return kFailed;
}

}  // namespace tulle::cli
