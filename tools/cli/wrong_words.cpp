#include "tools/cli/wrong_words.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "mesh/base/edit_distance.hpp"

namespace tulle::cli {
namespace {

using Subcommands = std::vector<const CLI::App*>;

/// The option for a word such as "--admin" or "--admin=x", of the command itself or of one of its subcommands. Null for
/// an unknown option.
const CLI::Option* option_of(const CLI::App& app, const Subcommands& subcommands, const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    const CLI::Option* option = app.get_option_no_throw(name);
    for (const CLI::App* subcommand : subcommands) {
        option = option == nullptr ? subcommand->get_option_no_throw(name) : option;
    }
    return option;
}

/// The subcommand named `word`, or null; and the subcommand with the nearest name, or null if all names are far.
std::pair<const CLI::App*, const CLI::App*> subcommand_of(const Subcommands& subcommands, const std::string& word) {
    // More than two wrong letters would suggest names that have nothing in common with the word.
    constexpr std::size_t kMostLetters = 2;
    const CLI::App* nearest = nullptr;
    std::size_t fewest = kMostLetters + 1;
    for (const CLI::App* subcommand : subcommands) {
        // The time of edit_distance grows with the length of the word, so a long word is not compared.
        const std::size_t letters = word.size() > 32 ? fewest : edit_distance(word, subcommand->get_name());
        nearest = letters < fewest ? subcommand : nearest;
        fewest = std::min(letters, fewest);
    }
    return {fewest == 0 ? nearest : nullptr, nearest};
}

}  // namespace

std::string wrong_subcommand(const CLI::App& app, int argc, const char* const* argv) {
    const CLI::App* reached = &app;
    std::string too_early;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const Subcommands subcommands = reached->get_subcommands([](const CLI::App*) { return true; });
        if (subcommands.empty() || word.empty()) {
            break;
        }
        // An unknown option ends the search, because its number of values is not known.
        if (word.starts_with('-')) {
            const CLI::Option* option = option_of(*reached, subcommands, word);
            if (option == nullptr) {
                break;
            }
            const std::string name = word.substr(0, word.find('='));
            too_early = reached->get_option_no_throw(name) == nullptr ? name : too_early;
            // The value of the option is skipped.
            i += option->get_items_expected_max() > 0 && word.find('=') == std::string::npos ? 1 : 0;
            continue;
        }
        const auto [next, nearest] = subcommand_of(subcommands, word);
        if (next == nullptr) {
            return "there is no subcommand " + word +
                   (nearest == nullptr ? "" : ": is " + nearest->get_name() + " meant?") + " (see --help)";
        }
        if (!too_early.empty()) {
            return too_early + " is an option of a subcommand and stands behind it: tulle " + word + " " + too_early;
        }
        reached = next;
    }
    return {};
}

}  // namespace tulle::cli
