#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "node/app/config_source.hpp"

namespace tulle::node::apps_dir_test {
namespace {

class AppsDirTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "tulle-apps-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        std::filesystem::create_directory(directory / "apps");
    }

    void TearDown() override { std::filesystem::remove_all(directory); }

    void write(const std::string& name, const std::string& text) const { std::ofstream(directory / name) << text; }

    void write_app(const std::string& file, const std::string& id, const std::string& more = "") const {
        write("apps/" + file, "id = '" + id + "'\nkey = 'key-" + id + "'\nsecret = 's'\n" + more);
    }

    ConfigSource source() const {
        CommandLine line;
        line.config_file = (directory / "node.toml").string();
        return {line, {}, Machine{"host", 1}};
    }

    /// What is wrong, without the name of the directory.
    template <class F>
    std::string error_of(F&& load) const {
        try {
            static_cast<void>(load());
        } catch (const ConfigError& error) {
            const std::string text = error.what();
            const std::size_t at = text.find(directory.string());
            return at == std::string::npos ? text
                                           : text.substr(0, at) + text.substr(at + directory.string().size() + 1);
        }
        return "no error";
    }

    static std::vector<std::string> ids(const Config& config) {
        std::vector<std::string> result;
        for (const App& app : config.apps) {
            result.push_back(app.id);
        }
        return result;
    }

    std::filesystem::path directory;
};

TEST_F(AppsDirTest, HoldsOneAppInEachFileBesideThoseOfTheMainFile) {
    write("node.toml", "apps_dir = 'apps'\n[[apps]]\nid = 'main'\nkey = 'k'\nsecret = 's'\n");
    write_app("b.toml", "b", "max_connections = 7\n");
    write("apps/secret", "from-a-file\n");
    write("apps/a.toml", "id = 'a'\nkey = 'key-a'\nsecret_file = 'secret'\n");
    for (const char* other : {".b.toml.swp", ".#b.toml", "#b.toml#", "b.toml~", "4913", ".c.toml", "notes.txt"}) {
        write("apps/" + std::string(other), "no app");
    }
    const Config config = source().load();
    EXPECT_EQ(ids(config), (std::vector<std::string>{"main", "a", "b"}));
    EXPECT_EQ(config.apps[1].secret, "from-a-file");
    EXPECT_EQ(config.apps[2].max_connections, 7U);
    EXPECT_FALSE(config.has_default_app);
}

TEST_F(AppsDirTest, MayBeEmptyAndThenThereIsNoDefaultApp) {
    write("node.toml", "apps_dir = 'apps'\n");
    EXPECT_TRUE(source().load().apps.empty());
}

TEST_F(AppsDirTest, NamesFileAndLineOfWhatIsWrong) {
    write("node.toml", "apps_dir = 'apps'\n");
    write("apps/a.toml", "id = 'a'\nkey = 'k'\nsecret = 's'\ncolour = 'red'\n");
    EXPECT_EQ(error_of([&] { return source().load(); }), "apps/a.toml:4: apps.colour: unknown key");
    write("apps/a.toml", "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n");
    EXPECT_EQ(error_of([&] { return source().load(); }),
              "apps/a.toml:1: apps: a file of apps_dir holds one app: write its keys at the top, without [[apps]]");
    write("apps/a.toml", "id = 'a'\nkey = 'k'\nsecret = 's'\n[[apps.webhooks]]\nurl = 'https://example.com'\n");
    EXPECT_EQ(error_of([&] { return source().load(); }),
              "apps/a.toml:4: apps: a file of apps_dir holds one app: write [[webhooks]], not [[apps.webhooks]]");
    write("apps/a.toml", "id = 'a'\nkey = \n");
    EXPECT_TRUE(error_of([&] { return source().load(); }).starts_with("apps/a.toml:2: "))
        << error_of([&] { return source().load(); });
    write("apps/a.toml", "id = 'a'\nkey = 'k'\n");
    EXPECT_EQ(error_of([&] { return source().load(); }),
              "apps/a.toml:1: apps: secret or secret_file must give 1 to 256 visible characters");
    write("apps/a.toml", std::string(kMaxAppFileBytes + 1, '#'));
    EXPECT_EQ(error_of([&] { return source().load(); }), "apps/a.toml: has more than 1048576 bytes");
    std::filesystem::remove(directory / "apps" / "a.toml");
    std::filesystem::create_directory(directory / "apps" / "a.toml");
    EXPECT_EQ(error_of([&] { return source().load(); }), "apps/a.toml: cannot be read: Is a directory");
    write("node.toml", "apps_dir = 'elsewhere'\n");
    EXPECT_TRUE(error_of([&] { return source().load(); }).starts_with("elsewhere: cannot be read"));
}

TEST_F(AppsDirTest, RefusesAnIdThatComesTwice) {
    write("node.toml", "apps_dir = 'apps'\n");
    write_app("a.toml", "a");
    write_app("b.toml", "a");
    const std::string error = error_of([&] { return source().load(); });
    EXPECT_TRUE(error.starts_with("apps/b.toml:1: the app 'a' has an id or a key that another app has too (")) << error;
}

TEST_F(AppsDirTest, IsReadAgainWithoutTheMainFileAndABadStateChangesNothing) {
    write("node.toml", "apps_dir = 'apps'\n[[apps]]\nid = 'main'\nkey = 'k'\nsecret = 's'\n");
    ConfigSource config = source();
    static_cast<void>(config.load());
    write("node.toml", "somebody is wri");
    write_app("a.toml", "a");
    EXPECT_EQ(ids(config.reload_directory()), (std::vector<std::string>{"main", "a"}));
    EXPECT_NE(error_of([&] { return config.load(); }), "no error");
    EXPECT_EQ(ids(config.reload_directory()), (std::vector<std::string>{"main", "a"}));
    write("node.toml", "apps_dir = 'apps'\n");
    EXPECT_EQ(ids(config.load()), (std::vector<std::string>{"a"}));
}

}  // namespace
}  // namespace tulle::node::apps_dir_test
