//! A name that is taken in the folder: a number, or the user's word.

use longhaul_client::{Action, DownloadState, Fix, ManagerError, SameName};

use crate::support::{World, bytes};

const SIZE: usize = 3 << 20;

/// A world that asks, in whose folder a file has the name already.
async fn asking() -> World {
    let world = World::new().await;
    world
        .set(|settings| settings.same_name = SameName::Ask)
        .await;
    world.fake.offer(7, "seven.bin", bytes(1, SIZE));
    std::fs::create_dir_all(world.folder()).expect("makes");
    std::fs::write(world.folder().join("seven.bin"), "mine").expect("writes");
    world
}

#[tokio::test]
async fn the_user_is_asked_and_may_keep_both() {
    let mut world = asking().await;
    for direct in [true, false] {
        let id = match direct {
            true => world.add_direct(7).await,
            false => world.add(7).await,
        };
        if !direct {
            world.fake.complete_all();
        }
        let row = world.until_state(id, DownloadState::Failed).await;
        let fault = row.fault.expect("a fault");
        assert_eq!(
            (fault.code.as_str(), fault.fix),
            ("name_taken", Fix::ChooseName)
        );
        assert_eq!(row.can, [Action::KeepBoth, Action::Replace, Action::Remove]);
        world.restart().await;
        world.manager.keep_both(id).await.expect("kept");
        let row = world.until_state(id, DownloadState::Completed).await;
        let name = if direct {
            "seven (1).bin"
        } else {
            "seven (2).bin"
        };
        assert_eq!(row.name, name);
    }
    assert_eq!(
        std::fs::read(world.folder().join("seven.bin")).unwrap(),
        b"mine"
    );
    world.manager.shutdown().await;
}

#[tokio::test]
async fn the_user_is_asked_and_may_put_the_other_file_away() {
    let world = asking().await;
    let id = world.add_direct(7).await;
    world.until_state(id, DownloadState::Failed).await;
    assert_eq!(world.files(), ["seven.bin"]);
    world.manager.replace(id).await.expect("replaced");
    let row = world.until_state(id, DownloadState::Completed).await;
    assert_eq!(row.name, "seven.bin");
    assert_eq!(std::fs::read(row.path.unwrap()).unwrap(), bytes(1, SIZE));
    world.until_files(&["seven.bin"]).await;
    // Of a row that waits for no name nothing is put away.
    for refused in [
        world.manager.replace(id).await,
        world.manager.keep_both(id).await,
    ] {
        assert!(
            matches!(refused, Err(ManagerError::NotNow { .. })),
            "{refused:?}"
        );
    }
    world.until_files(&["seven.bin"]).await;
    world.manager.shutdown().await;
}

#[tokio::test]
async fn two_of_one_name_are_asked_about_while_the_first_still_runs() {
    let world = World::new().await;
    world
        .set(|settings| settings.same_name = SameName::Ask)
        .await;
    world.fake.offer(7, "seven.bin", bytes(1, SIZE));
    world.fake.gate(1_500_000);
    let first = world.add_direct(7).await;
    world.until_pulled(first, 1 << 20).await;
    let second = world.add_direct(7).await;
    world.until_state(second, DownloadState::Failed).await;
    world.manager.keep_both(second).await.expect("kept");
    world.fake.gate(u64::MAX);
    world.until_state(first, DownloadState::Completed).await;
    world.until_state(second, DownloadState::Completed).await;
    world.until_files(&["seven (1).bin", "seven.bin"]).await;
    world.manager.shutdown().await;
}
