#include "tools/cli/app_options.hpp"

namespace tulle::cli {

void add_app_options(CLI::App& command, AppOptions& app) {
    command
        .add_option("--url", app.urls,
                    "ws://, wss://, http:// or https:// URL of a node; several for several nodes of one cluster")
        ->envname("TULLE_URL")
        ->default_str("ws://127.0.0.1:6001")
        ->delimiter(',')
        // One value for each --url, so that the words behind it stay arguments of the command.
        ->allow_extra_args(false);
    // The default app of a node on loopback. Its secret is public, and is therefore a good default here.
    app.key = "app-key";
    app.secret = "app-secret";
    command.add_option("--app-key", app.key, "Key of the app")->envname("TULLE_APP_KEY")->capture_default_str();
    command
        .add_option("--app-secret", app.secret,
                    "Secret of the app (better by the environment: others can see arguments)")
        ->envname("TULLE_APP_SECRET");
    command
        .add_option("--ca-file", app.ca_file,
                    "Certificates (PEM) to trust over TLS, instead of those that the system trusts")
        ->envname("TULLE_CA_FILE")
        ->type_name("FILE");
}

void add_encryption_option(CLI::App& command, AppOptions& app) {
    command
        .add_option("--encryption-key", app.encryption_key,
                    "Master key of channels private-encrypted-..., 32 bytes in base64 (better by the environment)")
        ->envname("TULLE_ENCRYPTION_KEY")
        ->type_name("BASE64");
}

void add_app_id_option(CLI::App& command, AppOptions& app) {
    app.id = "app-id";
    command.add_option("--app-id", app.id, "Id of the app")->envname("TULLE_APP_ID")->capture_default_str();
}

void use_default_url(AppOptions& app) {
    if (app.urls.empty()) {
        app.urls = {"ws://127.0.0.1:6001"};
    }
}

}  // namespace tulle::cli
