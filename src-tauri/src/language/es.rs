//! Spanish.

use super::Words;

pub(super) const WORDS: Words = Words {
    tag: "es",
    point: ',',
    bytes: "{} bytes",
    tray_idle: "No se está descargando nada",
    tray_one: "1 descarga",
    tray_many: "{} descargas",
    show_longhaul: "Mostrar Longhaul",
    pause_all: "Pausar todo",
    resume_all: "Reanudar todo",
    quit: "Salir",
    verified: "Completo y verificado",
    complete: "Completo",
    open: "Abrir",
    show_in_folder: "Mostrar en la carpeta",
    many_complete: "{} descargas completadas",
    failed: "No se pudo descargar",
    kept: "{} conservados",
    show: "Mostrar",
    retry: "Reintentar",
    many_failed: "{} descargas han fallado",
    retry_all: "Reintentar todo",
    more: "y {} más",
    choose_folder: "Dónde guardar las descargas",
    save_list: "Guardar la lista y los ajustes",
    take_list: "Incorporar una lista guardada",
    copied: "Se copiaron enlaces a archivos",
    copied_what: "Nada se descarga si usted no lo empieza.",
};
