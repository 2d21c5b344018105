/* deploy_text: the templates of deploy, as a table. Used by deploy alone. In a template @WORD@ is
 * one of URL WPAD DOMAIN ADDRESS PROXY NOPROXY UUID1 UUID2, and @@ is an @. */
#ifndef PAC_DEPLOY_TEXT_H
#define PAC_DEPLOY_TEXT_H

#include "pac/deploy.h"

enum deploy_escape { /* where the values stand */
                     DEPLOY_JSON,
                     DEPLOY_REG_JSON, /* JSON inside a string of a .reg file */
                     DEPLOY_CMD_JSON, /* JSON inside a quoted argument of a batch file */
                     DEPLOY_XML,
                     DEPLOY_SHELL,      /* single quotes */
                     DEPLOY_POWERSHELL, /* single quotes, plain or JSON */
                     DEPLOY_QUOTED,     /* double quotes of a configuration file */
};

struct deploy_text {
    struct deploy_target target;
    enum deploy_escape escape;
    const char *text;
};

const struct deploy_text *deploy_text_at(size_t i); /* NULL after the last */

#endif
