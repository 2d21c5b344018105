/* texts: the tables. */
#include "proxyd/flow/texts.h"

const char *const texts_language_tags[TEXTS_N_LANGUAGES] = {"en", "de", "fr", "es"};

static const struct text texts[TEXTS_N_LANGUAGES][TEXTS_N_SUBJECTS] =
    {
        [TEXTS_EN] =
            {
                [TEXTS_BLOCKED] = {"Access blocked", "This address may not be visited from here."},
                [TEXTS_WARNED] =
                    {"Are you sure?",
                     "This address is discouraged. You may go on; it will be recorded."},
                [TEXTS_OVERRIDE] =
                    {"A reason is needed",
                     "This address is blocked. Give a reason to go on; it will be recorded."},
                [TEXTS_LOGIN] = {"Login required", "The proxy needs to know who you are."},
                [TEXTS_BAD_REQUEST] =
                    {"Request not understood",
                     "The request does not follow the rules of HTTP and was refused."},
                [TEXTS_NOT_HERE] = {"Nothing here", "The proxy does not answer this itself."},
                [TEXTS_FORBIDDEN_ADDRESS] =
                    {"Address not allowed",
                     "This name or address leads to a place the proxy does not connect to."},
                [TEXTS_NO_NAME] = {"Host not found",
                                   "There is no such host, or its name could not be looked up."},
                [TEXTS_UNREACHABLE] = {"Server not reachable",
                                       "The server could not be connected to."},
                [TEXTS_LATE] = {"No answer in time", "The wait for an answer took too long."},
                [TEXTS_BAD_ANSWER] =
                    {"Bad answer",
                     "The server ended the connection early or sent something that is not valid."},
                [TEXTS_BUSY] =
                    {"Too busy",
                     "The proxy cannot take this request now. Please try again shortly."},
                [TEXTS_NO_POLICY] =
                    {"No policy yet",
                     "No policy has been published yet. The administrator has to do that once."},
                [TEXTS_NO_DIRECTORY] =
                    {"Login not possible now",
                     "Your name cannot be checked because the directory does not "
                     "answer. Please try again shortly."},
                [TEXTS_LOOP] = {"Loop", "The request has come back to this proxy."},
                [TEXTS_LINK] = {"Link no longer valid", "Please visit the address again."},
                [TEXTS_PASSWORD] =
                    {"A password is needed",
                     "This address is blocked. Whoever knows the password of this rule "
                     "can go on; it will be recorded."},
                [TEXTS_SPENT] = {"Allowance used up",
                                 "What this rule allows for a day has been used up."},
                [TEXTS_REFUSALS] = {"Why can I not reach it?",
                                    "The last requests of this computer that were refused."},
                [TEXTS_NO_REFUSALS] = {"Nothing was refused",
                                       "No request of this computer was refused lately."},
                [TEXTS_GRANTED] =
                    {"You may go on",
                     "Please visit the address again. This is remembered for a while."},
                [TEXTS_BALANCE] = {"Your allowances of today",
                                   "What you have used of what the rules allow for a day."},
                [TEXTS_NO_BALANCE] = {"No allowances", "Nothing is counted for you today."},
                [TEXTS_TOO_LARGE] = {"Form too large",
                                     "What was sent is longer than this form takes."},
                [TEXTS_TOO_MANY] = {"Too many requests",
                                    "More was asked from this computer than is allowed at once. "
                                    "Please wait a moment and try again."},
                [TEXTS_TOO_MANY_YOURS] = {"Too much at once",
                                          "More was asked under your name than is allowed at once. "
                                          "Please wait a moment and try again."},
            },
        [TEXTS_DE] =
            {
                [TEXTS_BLOCKED] = {"Zugriff gesperrt",
                                   "Diese Adresse darf von hier aus nicht besucht werden."},
                [TEXTS_WARNED] = {"Sind Sie sicher?",
                                  "Von dieser Adresse wird abgeraten. Sie können "
                                  "fortfahren; das wird aufgezeichnet."},
                [TEXTS_OVERRIDE] =
                    {"Bitte begründen",
                     "Diese Adresse ist gesperrt. Mit einer Begründung können Sie "
                     "fortfahren; sie wird aufgezeichnet."},
                [TEXTS_LOGIN] = {"Anmeldung nötig", "Der Proxy muss wissen, wer Sie sind."},
                [TEXTS_BAD_REQUEST] =
                    {"Anfrage nicht verstanden",
                     "Die Anfrage folgt nicht den Regeln von HTTP und wurde abgelehnt."},
                [TEXTS_NOT_HERE] = {"Hier ist nichts", "Der Proxy beantwortet das nicht selbst."},
                [TEXTS_FORBIDDEN_ADDRESS] =
                    {"Adresse nicht erlaubt",
                     "Dieser Name oder diese Adresse führt an einen Ort, zu "
                     "dem der Proxy keine Verbindung aufbaut."},
                [TEXTS_NO_NAME] = {"Server nicht gefunden",
                                   "Diesen Namen gibt es nicht, oder er ließ sich nicht auflösen."},
                [TEXTS_UNREACHABLE] = {"Server nicht erreichbar",
                                       "Zum Server ließ sich keine Verbindung aufbauen."},
                [TEXTS_LATE] = {"Keine Antwort",
                                "Das Warten auf eine Antwort hat zu lange gedauert."},
                [TEXTS_BAD_ANSWER] =
                    {"Fehlerhafte Antwort",
                     "Der Server hat die Verbindung zu früh beendet oder Ungültiges gesendet."},
                [TEXTS_BUSY] = {"Ausgelastet", "Der Proxy kann die Anfrage gerade nicht annehmen. "
                                               "Bitte gleich noch einmal versuchen."},
                [TEXTS_NO_POLICY] =
                    {"Noch keine Regeln",
                     "Es wurde noch kein Regelwerk veröffentlicht. Das muss die "
                     "Verwaltung einmal tun."},
                [TEXTS_NO_DIRECTORY] = {"Anmeldung gerade nicht möglich",
                                        "Ihr Name kann nicht geprüft werden, weil das Verzeichnis "
                                        "nicht antwortet. Bitte gleich noch einmal versuchen."},
                [TEXTS_LOOP] = {"Schleife", "Die Anfrage ist zu diesem Proxy zurückgekommen."},
                [TEXTS_LINK] = {"Verweis nicht mehr gültig",
                                "Bitte die Adresse noch einmal besuchen."},
                [TEXTS_PASSWORD] =
                    {"Passwort nötig",
                     "Diese Adresse ist gesperrt. Wer das Passwort dieser Regel kennt, "
                     "kann fortfahren; das wird aufgezeichnet."},
                [TEXTS_SPENT] = {"Kontingent aufgebraucht",
                                 "Was diese Regel an einem Tag erlaubt, ist aufgebraucht."},
                [TEXTS_REFUSALS] = {"Warum geht das nicht?",
                                    "Die letzten Anfragen dieses Rechners, die abgelehnt wurden."},
                [TEXTS_NO_REFUSALS] =
                    {"Nichts wurde abgelehnt",
                     "In letzter Zeit wurde keine Anfrage dieses Rechners abgelehnt."},
                [TEXTS_GRANTED] =
                    {"Sie können fortfahren",
                     "Bitte die Adresse noch einmal besuchen. Das gilt nun eine Weile."},
                [TEXTS_BALANCE] =
                    {"Ihre Kontingente heute",
                     "Was Sie von dem verbraucht haben, was die Regeln an einem Tag erlauben."},
                [TEXTS_NO_BALANCE] = {"Keine Kontingente", "Für Sie wird heute nichts gezählt."},
                [TEXTS_TOO_LARGE] =
                    {"Formular zu groß",
                     "Was gesendet wurde, ist länger, als dieses Formular annimmt."},
                [TEXTS_TOO_MANY] = {"Zu viele Anfragen",
                                    "Von diesem Computer kam mehr, als auf einmal erlaubt ist. "
                                    "Bitte kurz warten und noch einmal versuchen."},
                [TEXTS_TOO_MANY_YOURS] =
                    {"Zu viel auf einmal", "Unter Ihrem Namen kam mehr, als auf einmal erlaubt "
                                           "ist. Bitte kurz warten und noch einmal versuchen."},
            },
        [TEXTS_FR] =
            {
                [TEXTS_BLOCKED] = {"Accès bloqué", "Cette adresse ne peut pas être visitée d’ici."},
                [TEXTS_WARNED] = {"Êtes-vous sûr ?", "Cette adresse est déconseillée. Vous pouvez "
                                                     "continuer ; cela sera enregistré."},
                [TEXTS_OVERRIDE] = {"Une raison est nécessaire",
                                    "Cette adresse est bloquée. Donnez une raison pour continuer ; "
                                    "elle sera enregistrée."},
                [TEXTS_LOGIN] = {"Identification nécessaire",
                                 "Le proxy doit savoir qui vous êtes."},
                [TEXTS_BAD_REQUEST] =
                    {"Requête incomprise",
                     "La requête ne suit pas les règles de HTTP et a été refusée."},
                [TEXTS_NOT_HERE] = {"Rien ici", "Le proxy n’y répond pas lui-même."},
                [TEXTS_FORBIDDEN_ADDRESS] =
                    {"Adresse non autorisée", "Ce nom ou cette adresse mène à un endroit auquel le "
                                              "proxy ne se connecte pas."},
                [TEXTS_NO_NAME] = {"Serveur introuvable",
                                   "Ce nom n’existe pas ou n’a pas pu être résolu."},
                [TEXTS_UNREACHABLE] =
                    {"Serveur injoignable", "La connexion au serveur n’a pas pu être établie."},
                [TEXTS_LATE] = {"Pas de réponse à temps",
                                "L’attente d’une réponse a été trop longue."},
                [TEXTS_BAD_ANSWER] =
                    {"Mauvaise réponse",
                     "Le serveur a coupé trop tôt ou a envoyé quelque chose d’invalide."},
                [TEXTS_BUSY] = {"Surcharge",
                                "Le proxy ne peut pas prendre cette requête maintenant. "
                                "Réessayez dans un instant."},
                [TEXTS_NO_POLICY] =
                    {"Pas encore de règles",
                     "Aucune politique n’a encore été publiée. L’administrateur doit "
                     "le faire une fois."},
                [TEXTS_NO_DIRECTORY] = {"Identification impossible pour le moment",
                                        "Votre nom ne peut pas être vérifié car l’annuaire ne "
                                        "répond pas. Réessayez dans "
                                        "un instant."},
                [TEXTS_LOOP] = {"Boucle", "La requête est revenue à ce proxy."},
                [TEXTS_LINK] = {"Lien expiré", "Veuillez visiter l’adresse à nouveau."},
                [TEXTS_PASSWORD] =
                    {"Un mot de passe est nécessaire",
                     "Cette adresse est bloquée. Avec le mot de passe de cette règle, "
                     "vous pouvez continuer ; cela sera enregistré."},
                [TEXTS_SPENT] = {"Quota épuisé",
                                 "Ce que cette règle autorise pour une journée est épuisé."},
                [TEXTS_REFUSALS] =
                    {"Pourquoi cela ne marche-t-il pas ?",
                     "Les dernières requêtes de cet ordinateur qui ont été refusées."},
                [TEXTS_NO_REFUSALS] =
                    {"Rien n’a été refusé",
                     "Aucune requête de cet ordinateur n’a été refusée récemment."},
                [TEXTS_GRANTED] =
                    {"Vous pouvez continuer",
                     "Veuillez visiter l’adresse à nouveau. Cela reste valable un certain temps."},
                [TEXTS_BALANCE] =
                    {"Vos quotas du jour",
                     "Ce que vous avez utilisé de ce que les règles autorisent par jour."},
                [TEXTS_NO_BALANCE] = {"Pas de quotas", "Rien n’est compté pour vous aujourd’hui."},
                [TEXTS_TOO_LARGE] =
                    {"Formulaire trop grand",
                     "Ce qui a été envoyé est plus long que ce formulaire ne l’accepte."},
                [TEXTS_TOO_MANY] =
                    {"Trop de requêtes", "Cet ordinateur a demandé plus que ce qui est permis à la "
                                         "fois. Patientez un instant et réessayez."},
                [TEXTS_TOO_MANY_YOURS] = {"Trop à la fois",
                                          "Plus a été demandé sous votre nom que ce qui est permis "
                                          "à la fois. Patientez un instant et réessayez."},
            },
        [TEXTS_ES] =
            {
                [TEXTS_BLOCKED] = {"Acceso bloqueado",
                                   "Esta dirección no se puede visitar desde aquí."},
                [TEXTS_WARNED] =
                    {"¿Está seguro?",
                     "Se desaconseja esta dirección. Puede continuar; quedará registrado."},
                [TEXTS_OVERRIDE] =
                    {"Se necesita un motivo",
                     "Esta dirección está bloqueada. Indique un motivo para continuar; "
                     "quedará registrado."},
                [TEXTS_LOGIN] = {"Se requiere identificación",
                                 "El proxy necesita saber quién es usted."},
                [TEXTS_BAD_REQUEST] =
                    {"Petición no entendida",
                     "La petición no sigue las reglas de HTTP y ha sido rechazada."},
                [TEXTS_NOT_HERE] =
                    {"Aquí no hay nada", "El proxy no responde a esto por sí mismo."},
                [TEXTS_FORBIDDEN_ADDRESS] =
                    {"Dirección no permitida",
                     "Este nombre o dirección lleva a un lugar al que el proxy no se conecta."},
                [TEXTS_NO_NAME] = {"Servidor no encontrado",
                                   "Ese nombre no existe o no se pudo resolver."},
                [TEXTS_UNREACHABLE] = {"Servidor inaccesible",
                                       "No se pudo conectar con el servidor."},
                [TEXTS_LATE] = {"Sin respuesta a tiempo",
                                "La espera de una respuesta ha sido demasiado larga."},
                [TEXTS_BAD_ANSWER] = {"Respuesta incorrecta",
                                      "El servidor cerró demasiado pronto o envió algo no válido."},
                [TEXTS_BUSY] =
                    {"Sobrecarga",
                     "El proxy no puede atender esta petición ahora. Inténtelo de nuevo en breve."},
                [TEXTS_NO_POLICY] = {"Aún sin reglas",
                                     "Todavía no se ha publicado ninguna política. "
                                     "El administrador debe hacerlo una vez."},
                [TEXTS_NO_DIRECTORY] = {"Identificación imposible por ahora",
                                        "No se puede comprobar su nombre porque el directorio no "
                                        "responde. Inténtelo de nuevo en breve."},
                [TEXTS_LOOP] = {"Bucle", "La petición ha vuelto a este proxy."},
                [TEXTS_LINK] = {"Enlace caducado", "Visite la dirección de nuevo."},
                [TEXTS_PASSWORD] = {"Se necesita una contraseña",
                                    "Esta dirección está bloqueada. Quien conozca la contraseña de "
                                    "esta regla puede continuar; quedará registrado."},
                [TEXTS_SPENT] = {"Cupo agotado",
                                 "Lo que esta regla permite para un día está agotado."},
                [TEXTS_REFUSALS] = {"¿Por qué no funciona?",
                                    "Las últimas peticiones de este equipo que fueron rechazadas."},
                [TEXTS_NO_REFUSALS] =
                    {"No se rechazó nada",
                     "Últimamente no se ha rechazado ninguna petición de este equipo."},
                [TEXTS_GRANTED] =
                    {"Puede continuar", "Visite la dirección de nuevo. Esto vale por un tiempo."},
                [TEXTS_BALANCE] = {"Sus cupos de hoy",
                                   "Lo que ha usado de lo que las reglas permiten por día."},
                [TEXTS_NO_BALANCE] = {"Sin cupos", "Hoy no se cuenta nada para usted."},
                [TEXTS_TOO_LARGE] = {"Formulario demasiado grande",
                                     "Lo enviado es más largo de lo que admite este formulario."},
                [TEXTS_TOO_MANY] = {"Demasiadas peticiones",
                                    "Desde este equipo se ha pedido más de lo permitido a la vez. "
                                    "Espere un momento e inténtelo de nuevo."},
                [TEXTS_TOO_MANY_YOURS] =
                    {"Demasiado a la vez", "Con su nombre se ha pedido más de lo permitido a la "
                                           "vez. Espere un momento e inténtelo de nuevo."},
            },
};

static const char *const labels[TEXTS_N_LANGUAGES][TEXTS_N_LABELS] = {
    {"Address", "Rule", "Reason", "Category", "User", "Error", "Contact", "Record", "Proxy",
     "Continue", "Your reason", "Password", "Time used", "Volume used", "Renewed", "Last time",
     "How often", "More about it", "Seconds to wait"},
    {"Adresse", "Regel", "Grund", "Kategorie", "Benutzer", "Fehler", "Ansprechpartner",
     "Aufzeichnung", "Proxy", "Fortfahren", "Ihre Begründung", "Passwort", "Zeit verbraucht",
     "Volumen verbraucht", "Erneuert", "Zuletzt", "Wie oft", "Mehr dazu", "Wartezeit in Sekunden"},
    {"Adresse", "Règle", "Raison", "Catégorie", "Utilisateur", "Erreur", "Contact",
     "Enregistrement", "Proxy", "Continuer", "Votre raison", "Mot de passe", "Temps utilisé",
     "Volume utilisé", "Renouvelé", "Dernière fois", "Combien de fois", "En savoir plus",
     "Secondes d’attente"},
    {"Dirección", "Regla", "Motivo", "Categoría", "Usuario", "Error", "Contacto", "Registro",
     "Proxy", "Continuar", "Su motivo", "Contraseña", "Tiempo usado", "Volumen usado", "Se renueva",
     "Última vez", "Cuántas veces", "Más información", "Segundos de espera"},
};

static const char *const hints[TEXTS_N_LANGUAGES][TEXTS_N_HINTS] = {
    {"", "Please say a little more.", "That was not the password.",
     "Too many wrong passwords. Please wait a while."},
    {"", "Bitte etwas ausführlicher.", "Das war nicht das Passwort.",
     "Zu viele falsche Passwörter. Bitte eine Weile warten."},
    {"", "Merci d’en dire un peu plus.", "Ce n’était pas le mot de passe.",
     "Trop de mots de passe erronés. Veuillez attendre un moment."},
    {"", "Explique un poco más, por favor.", "Esa no era la contraseña.",
     "Demasiadas contraseñas erróneas. Espere un momento."},
};

const struct text *texts_of(enum texts_language l, enum texts_subject s)
{
    return &texts[l][s];
}

const char *texts_label(enum texts_language l, enum texts_label label)
{
    return labels[l][label];
}

const char *texts_hint(enum texts_language l, enum texts_hint hint)
{
    return hints[l][hint];
}
