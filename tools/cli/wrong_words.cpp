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

/// The long option of the command or of one of its subcommands whose name is nearest to `word`, or that begins so;
/// empty if all names are far.
std::string nearest_option(const CLI::App& app, const Subcommands& subcommands, const std::string& word) {
    // In short names, two wrong letters make many names alike.
    constexpr std::size_t kLongName = 6;
    constexpr std::size_t kLongWord = 32;
    const std::string given = word.substr(2, word.find('=') - 2);
    std::vector<const CLI::App*> apps{&app};
    apps.insert(apps.end(), subcommands.begin(), subcommands.end());
    std::string nearest;
    std::string longer;
    std::size_t fewest = 3;
    for (const CLI::App* candidate : apps) {
        for (const CLI::Option* option : candidate->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                const std::size_t most = name.size() >= kLongName ? 2 : 1;
                const std::size_t letters = given.size() > kLongWord ? fewest : edit_distance(given, name);
                if (letters <= most && letters < fewest) {
                    fewest = letters;
                    nearest = name;
                }
                longer = longer.empty() && given.size() >= 2 && name.starts_with(given) ? name : longer;
            }
        }
    }
    const std::string found = nearest.empty() ? longer : nearest;
    return found.empty() ? "" : "--" + found;
}

/// A sentence about an option that does not exist.
std::string no_option(const CLI::App& app, const Subcommands& subcommands, const std::string& word,
                      const std::string& path) {
    const std::string nearest = word.starts_with("--") ? nearest_option(app, subcommands, word) : "";
    return "there is no option " + word.substr(0, word.find('=')) +
           (nearest.empty() ? "" : ": is " + nearest + " meant?") + " (see " + path + " --help)";
}

/// True for an option of one letter with its value, or with further options, in the same word; and for a number.
bool is_joined_or_number(const CLI::App& app, const Subcommands& subcommands, const std::string& word) {
    const bool is_number = word.size() > 1 && word[1] >= '0' && word[1] <= '9';
    return is_number ||
           (word.size() > 2 && word[1] != '-' && option_of(app, subcommands, word.substr(0, 2)) != nullptr);
}

/// True when the word behind `option` is the option's value.
bool takes_next(const CLI::Option& option, const std::string& word, const char* next) {
    const bool is_optional = option.get_items_expected_min() == 0;
    return option.get_items_expected_max() > 0 && word.find('=') == std::string::npos &&
           !(is_optional && (next == nullptr || *next < '0' || *next > '9'));
}

}  // namespace

std::string wrong_word(const CLI::App& app, int argc, const char* const* argv) {
    const CLI::App* reached = &app;
    std::string path = app.get_name();
    std::string too_early;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const Subcommands subcommands = reached->get_subcommands([](const CLI::App*) { return true; });
        // Behind "--" there are arguments alone.
        if (word == "--") {
            break;
        }
        if (word.starts_with('-') && word.size() > 1) {
            const CLI::Option* option = option_of(*reached, subcommands, word);
            if (option == nullptr && is_joined_or_number(*reached, subcommands, word)) {
                continue;
            }
            if (option == nullptr) {
                return no_option(*reached, subcommands, word, path);
            }
            const std::string name = word.substr(0, word.find('='));
            too_early = reached->get_option_no_throw(name) == nullptr ? name : too_early;
            i += takes_next(*option, word, i + 1 < argc ? argv[i + 1] : nullptr) ? 1 : 0;
            continue;
        }
        // A word that is no option is an argument of a command without subcommands.
        if (subcommands.empty() || word.empty()) {
            continue;
        }
        const auto [next, nearest] = subcommand_of(subcommands, word);
        if (next == nullptr) {
            return "there is no subcommand " + word +
                   (nearest == nullptr ? "" : ": is " + nearest->get_name() + " meant?") + " (see " +
                   (reached == &app ? "" : path + " ") + "--help)";
        }
        if (!too_early.empty()) {
            return too_early + " is an option of a subcommand and stands behind it: " + path + " " + word + " " +
                   too_early;
        }
        reached = next;
        path += " " + word;
    }
    return {};
}

}  // namespace tulle::cli
