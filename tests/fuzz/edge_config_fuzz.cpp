// The configuration as a text: whatever it holds, it is taken or refused with a message. Keys that name files are left
// out, as they would be opened.
#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/assert.hpp"
#include "node/app/config.hpp"
#include "node/app/config_file.hpp"

using namespace tulle::node;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.find("_file") != std::string_view::npos || text.find("\\u") != std::string_view::npos ||
        text.find("\\U") != std::string_view::npos) {
        return 0;
    }
    try {
        ConfigFile file = parse_config_file(text, "fuzz.toml");
        const Config config =
            make_config({file.settings}, std::move(file.apps), Machine{"host", 2}, std::move(file.redis_realms));
        TULLE_ASSERT(!config.name.empty() && config.shards > 0);
    } catch (const ConfigError& error) {
        TULLE_ASSERT(!std::string_view(error.what()).empty());
    }
    try {
        TULLE_ASSERT(!parse_app_file(text, "fuzz.toml").key.empty());
    } catch (const ConfigError& error) {
        TULLE_ASSERT(!std::string_view(error.what()).empty());
    }
    return 0;
}
